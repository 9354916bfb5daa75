"""What guidance strategies keep of diversity, beside plain guidance of the same alignment, prompt by prompt on the same seeds.

A strategy that keeps diversity by giving up alignment does what a lower CFG does too. So each is set beside plain guidance at
the CFG at which that is as well aligned on the mean, on the very prompts and seeds: between two stored CFG values plain
guidance is interpolated linearly, and of several such places the lowest CFG counts, where it is the most varied. A strategy
that is better aligned than plain guidance at any CFG stands beside the best aligned of these (``x_gap`` says by how much); of
one that is worse aligned than all of them nothing is said.

Of one training seed, intervals are percentiles of a bootstrap over prompts. Each draw looks for the CFG anew, so they count
that this place is not known either. Where a method was trained on several seeds, a strategy is the mean of its runs beside
the mean plain curve, and intervals (from three runs on) count prompts and training seeds (``training_seeds``): each cell has
its first-order share, its strategy less plain guidance at that place, with what it is better aligned by taken off along the
curve. All strategies that are printed together are one family of tests (Holm).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from t2ialign.names import PLAIN
from t2ialign.tradeoff import families
from t2ialign.tradeoff.comparison import PairedScore, settings_of
from t2ialign.tradeoff.frontier import UNKNOWN, crossed_interval, percentiles
from t2ialign.tradeoff.interval import RESAMPLES, SEED, bootstrap_p, estimate, turned
from t2ialign.tradeoff.matching import place_on
from t2ialign.tradeoff.training_seeds import crossed
from t2ialign.types import AdapterUse, GenerationConfig, InputError, Interval, Metric


@dataclass(frozen=True)
class MatchedStrategy:
    """A strategy beside plain guidance at ``plain_scale``; means are over prompts and ``training_seeds`` runs.

    ``run`` is the checkpoint without its training seed, ``policy`` the config of its first run. ``plain_y`` is plain
    guidance's diversity at ``plain_scale`` and ``y_gap`` the strategy's less that; ``x_gap`` is 0 but where the strategy is
    better aligned than plain guidance at any CFG. All three are NaN where it is worse aligned than at any. ``p`` tests a
    ``y_gap`` of 0, ``adjusted`` is it in its ``family``.
    """

    run: str
    policy: GenerationConfig
    training_seeds: int
    prompts: int
    x: Interval
    y: Interval
    plain_scale: float
    plain_y: float
    x_gap: float
    y_gap: Interval
    p: float = math.nan
    adjusted: float = math.nan
    family: int = 0

    @property
    def stands(self) -> bool:
        """Whether it differs from plain guidance, also after correction."""
        return families.stands(self.adjusted)


Model = tuple[AdapterUse, ...]
Cells = dict[str, tuple[float, float]]
"""{prompt: the strategy's value and plain guidance's}."""
Runs = dict[Model, dict[float, dict[str, Cells]]]
"""{a run's adapters: {plain guidance's CFG: {metric: its cells}}}."""


@dataclass(frozen=True)
class _Curves:
    """Of each metric (alignment, diversity): the strategy's values, and those of plain guidance at each of ``scales``."""

    scales: Float[np.ndarray, " k"]
    strategy: Float[np.ndarray, "2 s p"]
    plain: Float[np.ndarray, "2 k s p"]

    @property
    def runs(self) -> int:
        return int(self.strategy.shape[1])

    @property
    def prompts(self) -> int:
        return int(self.strategy.shape[2])


def matched_strategies(
    rows: Iterable[PairedScore], x: Metric, y: Metric, run_of: Callable[[str], str] = str
) -> list[MatchedStrategy]:
    """Every strategy of the rows, each a config beside plain configs of the same model and settings but for their CFG.

    ``run_of`` says of a checkpoint's name which method's run it is: runs of one name are its training seeds.

    Raises:
        InputError: a metric was scored by several versions, which must not be mixed.
    """
    groups: dict[tuple[str, GenerationConfig], Runs] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(lambda: defaultdict(dict)))
    )
    first: dict[tuple[str, GenerationConfig], GenerationConfig] = {}
    versions: dict[str, str] = {}
    for row in rows:
        if not _beside_plain(row) or row.metric not in (x.name, y.name):
            continue
        if versions.setdefault(row.metric, row.version) != row.version:
            both = " and ".join(sorted({versions[row.metric], row.version}))
            raise InputError(f"{row.metric} was scored by different versions ({both}): re-score first.")
        key = run_of(row.policy.checkpoint), replace(row.policy, adapters=())
        first.setdefault(key, row.policy)
        cells = groups[key][row.policy.adapters][row.base.guidance_scale][row.metric]
        cells[row.prompt] = row.policy_value, row.base_value
    found = []
    for key, runs in groups.items():
        curves = _curves(runs, x, y)
        if curves is not None:
            found.append(_matched(key[0], first[key], curves, x, y))
    ps = [one.p for one in found]
    size = families.tests(ps)
    return [replace(one, adjusted=p, family=size) for one, p in zip(found, families.holm(ps))]


def plainly(config: GenerationConfig) -> GenerationConfig:
    """The config without its model and with plain guidance of scale 0: equal for all configs that are compared across CFG."""
    return _without_guidance(settings_of(config))


def _without_guidance(config: GenerationConfig) -> GenerationConfig:
    return replace(config, guidance=PLAIN, guidance_params=(), guidance_scale=0.0)


def _beside_plain(row: PairedScore) -> bool:
    """Whether it sets a strategy beside plain guidance of the very same model under the same settings."""
    return row.base.guidance == PLAIN and _without_guidance(row.policy) == _without_guidance(row.base)


def _curves(runs: Runs, x: Metric, y: Metric) -> _Curves | None:
    """On the CFG values that all runs have, and the prompts that all of them have there with both metrics; None without any."""
    scales = sorted(set.intersection(*(set(run) for run in runs.values())))
    cells = [[[run[scale].get(metric.name, {}) for metric in (x, y)] for scale in scales] for run in runs.values()]
    known = [set(part) for run in cells for scale in run for part in scale]
    prompts = sorted(set.intersection(*known)) if known else []
    if not prompts:
        return None
    values = np.array(
        [[[[part[prompt] for prompt in prompts] for part in scale] for scale in run] for run in cells]
    )  # run, CFG, metric, prompt, side
    for place, metric in enumerate((x, y)):
        if metric.finish is not None:
            values[:, :, place] = np.vectorize(metric.finish)(values[:, :, place])
    return _Curves(np.array(scales), values[:, 0, :, :, 0].swapaxes(0, 1), values[..., 1].transpose(2, 1, 0, 3))


def _matched(run: str, policy: GenerationConfig, curves: _Curves, x: Metric, y: Metric) -> MatchedStrategy:
    everyone = np.arange(curves.prompts)[None]
    place = _places(curves, everyone)
    at = {name: float(found[0]) for name, found in place.items()}
    gap, p = (UNKNOWN, math.nan) if y.finish else _gap(curves, at["gap"])
    along, up = (_over_all(side, metric) for side, metric in zip(curves.strategy, (x, y), strict=True))
    return MatchedStrategy(
        run,
        policy,
        curves.runs,
        curves.prompts,
        along,
        up,
        plain_scale=at["scale"],
        plain_y=turned(Interval(at["level"], at["level"], at["level"]), y.finish).mean,
        x_gap=at["x_gap"],
        y_gap=gap,
        p=p,
    )


def _gap(curves: _Curves, mean: float) -> tuple[Interval, float]:
    """The strategy's diversity less plain guidance's where that is as well aligned, and its p-value (NaN: no test)."""
    if math.isnan(mean):
        return UNKNOWN, math.nan
    if curves.runs > 1:
        cells = _gap_cells(curves)
        found = crossed_interval(cells)
        return found, math.nan if math.isnan(found.lo) else crossed(cells).p
    draws = np.random.default_rng(SEED).integers(curves.prompts, size=(RESAMPLES, curves.prompts))
    gaps = _places(curves, draws)["gap"]
    found = percentiles(mean, gaps, curves.prompts)
    return found, math.nan if math.isnan(found.lo) else bootstrap_p(gaps[np.isfinite(gaps)])


def _places(curves: _Curves, rows: np.ndarray) -> Mapping[str, Float[np.ndarray, " r"]]:
    """Of each draw of prompts, plain guidance where it is as well aligned: its CFG, its diversity ``level``, and both gaps."""
    x, y = curves.strategy.mean(1)[:, rows].mean(-1)
    xs, ys = curves.plain.mean(2)[:, :, rows].mean(-1).transpose(0, 2, 1)
    low, on = _between(x, xs)
    each = np.arange(len(rows))

    def there(values: np.ndarray) -> np.ndarray:
        low_end, high_end = values[each, low], values[each, np.minimum(low + 1, values.shape[1] - 1)]
        mixed: np.ndarray = (1 - on) * low_end + on * high_end
        return mixed

    level, aligned = there(ys), there(xs)
    scale = there(np.broadcast_to(curves.scales, xs.shape))
    return {"scale": scale, "level": level, "gap": y - level, "x_gap": x - aligned}


def _between(target: Float[np.ndarray, " r"], xs: Float[np.ndarray, "r k"]) -> tuple[np.ndarray, np.ndarray]:
    """``place_on``, but the highest value stands in for what lies above all of them."""
    low, on = place_on(target, xs)
    top, each = xs.argmax(1), np.arange(len(xs))
    above = np.isnan(on) & (target >= xs[each, top])
    return np.where(above, top, low), np.where(above, 0.0, on)


def _gap_cells(curves: _Curves) -> Float[np.ndarray, "s p"]:
    """Each run's and prompt's first-order share in the gap of the means."""
    (x, y), (xs, ys) = curves.strategy, curves.plain
    (low,), (on,) = _between(x.mean()[None], xs.mean((1, 2))[None])
    high = min(int(low) + 1, len(xs) - 1)
    aligned, level = ((1 - on) * side[low] + on * side[high] for side in (xs, ys))
    run, rise = xs[high].mean() - xs[low].mean(), ys[high].mean() - ys[low].mean()
    inside = x.mean() < xs.mean((1, 2)).max() and run != 0
    better = x - aligned if inside else np.zeros_like(x)
    cells: np.ndarray = y - level - (rise / run if inside else 0.0) * better
    return cells


def _over_all(values: Float[np.ndarray, "s p"], metric: Metric) -> Interval:
    """A metric's mean over runs and prompts."""
    found = crossed_interval(values) if len(values) > 1 else estimate(values[0].tolist()).interval
    return turned(found, metric.finish)


def checkpoints_of(found: Sequence[MatchedStrategy]) -> list[str]:
    """The runs that strategies belong to, in their order."""
    return list(dict.fromkeys(one.run for one in found))
