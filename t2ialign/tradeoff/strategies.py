"""Guidance strategies of one checkpoint beside plain guidance of the same alignment, prompt by prompt on the same seeds.

A strategy that keeps diversity by giving up alignment does what a lower CFG does too. So each is set beside plain guidance at
the CFG at which that is as well aligned on the mean, on the very prompts and seeds: between two stored CFG values everything
is interpolated linearly (means, prompts' values, effects of seeds), and of several such places the lowest CFG counts, where
plain guidance is the most varied. Beyond what plain guidance reaches its nearest end stands in, and the difference in
alignment is not 0. The choice of that place counts as known: intervals say nothing of its own error.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from t2ialign.tradeoff.comparison import Comparison, PairedScore, comparisons, corrected, settings_of
from t2ialign.types import GenerationConfig, Metric

PLAIN = "cfg"


@dataclass(frozen=True)
class MatchedStrategy:
    """A strategy less plain guidance at ``y.base``'s CFG; the family of tests is that of all ``y`` printed together."""

    x: Comparison
    y: Comparison


def matched_strategies(
    rows: Iterable[PairedScore], x: Metric, y: Metric, metrics: Mapping[str, Metric]
) -> list[MatchedStrategy]:
    """Every strategy of the rows, each a config beside plain configs of the same model and settings but for their CFG."""
    groups: dict[GenerationConfig, dict[float, list[PairedScore]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if _without_guidance(row.policy) == _without_guidance(row.base) and row.base.guidance == PLAIN:
            groups[row.policy][row.base.guidance_scale].append(row)
    found = [
        {one.metric: one for one in comparisons(_at_matched(by_scale, x.name), metrics, same=_without_guidance)}
        for by_scale in groups.values()
    ]
    whole = [pair for pair in found if {x.name, y.name} <= set(pair)]
    ys = corrected([pair[y.name] for pair in whole])
    return [MatchedStrategy(pair[x.name], one) for pair, one in zip(whole, ys, strict=True)]


def plainly(config: GenerationConfig) -> GenerationConfig:
    """The config without its model and with plain guidance of scale 0: equal for all configs that are compared across CFG."""
    return _without_guidance(settings_of(config))


def _without_guidance(config: GenerationConfig) -> GenerationConfig:
    return replace(config, guidance=PLAIN, guidance_params=(), guidance_scale=0.0)


def _at_matched(by_scale: Mapping[float, Sequence[PairedScore]], x: str) -> Iterator[PairedScore]:
    """The rows at the CFG where plain guidance is as well aligned, on what is stored at every CFG."""
    shared = set.intersection(*({(row.metric, row.version, row.prompt) for row in rows} for rows in by_scale.values()))
    cells = {
        scale: {key: row for row in rows if (key := (row.metric, row.version, row.prompt)) in shared}
        for scale, rows in sorted(by_scale.items())
    }
    aligned = {scale: [row for key, row in found.items() if key[0] == x] for scale, found in cells.items()}
    if not any(aligned.values()):
        return
    scales = list(cells)
    target = _mean([row.policy_value for row in aligned[scales[0]]])
    curve = [_mean([row.base_value for row in aligned[scale]]) for scale in scales]
    low, high, share = _place(curve, target)
    for key, first in cells[scales[low]].items():
        yield _between(first, cells[scales[high]][key], share)


def _place(curve: Sequence[float], target: float) -> tuple[int, int, float]:
    """Between which two values of a curve the target lies first, and how far on; the nearest value where it lies nowhere."""
    for index, (before, after) in enumerate(zip(curve, curve[1:], strict=False)):
        if before != after and min(before, after) <= target <= max(before, after):
            return index, index + 1, (target - before) / (after - before)
    nearest = min(range(len(curve)), key=lambda index: abs(curve[index] - target))
    return nearest, nearest, 0.0


def _between(first: PairedScore, second: PairedScore, share: float) -> PairedScore:
    """A row whose base lies between those of two rows."""
    scale = (1 - share) * first.base.guidance_scale + share * second.base.guidance_scale
    effects = {
        seed: (1 - share) * effect + share * second.base_effects[seed]
        for seed, effect in first.base_effects.items()
        if seed in second.base_effects
    }
    return replace(
        first,
        base=replace(first.base, guidance_scale=scale),
        base_value=(1 - share) * first.base_value + share * second.base_value,
        base_effects=effects,
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
