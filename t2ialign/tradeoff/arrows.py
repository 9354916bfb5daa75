"""From a parent to what was trained from it: one checkpoint's change on both axes, at the same guidance, prompts and seeds."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from t2ialign.names import NO_TITLES, setting_name
from t2ialign.tradeoff.comparison import Comparison, PairedScore, comparisons, corrected
from t2ialign.types import GenerationConfig, Interval, Metric


@dataclass(frozen=True)
class Arrow:
    """A checkpoint beside its parent on the prompts and seeds that both have.

    ``x`` and ``y`` compare the chart's two metrics; ``judged`` the metric that it was trained for, with the win rate, None
    where it was trained for none.
    """

    x: Comparison
    y: Comparison
    judged: Comparison | None = None

    @property
    def policy(self) -> GenerationConfig:
        return self.x.policy

    @property
    def parent(self) -> GenerationConfig:
        return self.x.base

    @property
    def win_rate(self) -> Interval | None:
        """How often a picture of the checkpoint beats its parent's of the same seed by what it was trained for."""
        return None if self.judged is None else self.judged.win_rate

    @property
    def relative(self) -> Interval | None:
        """The change on the second axis as a share of the parent's mean; None where there is none."""
        return self.y.relative


def arrows(
    rows: Iterable[PairedScore], x: Metric, y: Metric, judges: Mapping[str, str], metrics: Mapping[str, Metric]
) -> list[Arrow]:
    """One arrow for each pair of configs that both axes compare, from scores of cells (``arrows_of``)."""
    return arrows_of(comparisons(rows, metrics), x, y, judges)


def arrows_of(made: Iterable[Comparison], x: Metric, y: Metric, judges: Mapping[str, str]) -> list[Arrow]:
    """One arrow for each pair of configs that both axes compare; their differences are one family of tests (Holm).

    ``judges``: {checkpoint: the metric that it was trained for}.
    """
    found: dict[tuple[GenerationConfig, GenerationConfig], dict[str, Comparison]] = defaultdict(dict)
    for one in made:
        found[one.policy, one.base][one.metric] = one
    pairs = [pair for pair in found.values() if {x.name, y.name} <= set(pair)]
    tested = [pair[name] for pair in pairs for name in dict.fromkeys((x.name, y.name))]
    adjusted = {(one.policy, one.base, one.metric): one for one in corrected(tested)}

    def of(one: Comparison) -> Comparison:
        return adjusted[one.policy, one.base, one.metric]

    return [
        Arrow(of(pair[x.name]), of(pair[y.name]), pair.get(judges.get(pair[x.name].policy.checkpoint, "")))
        for pair in pairs
    ]


def most_preferred(found: Iterable[Arrow], x: Metric, opened: str = "") -> Arrow | None:
    """The arrow of the ``opened`` config's key; else the one preferred most often, those trained for ``x`` first."""
    known = list(found)
    picked = [arrow for arrow in known if arrow.policy.key == opened]
    rated = [arrow for arrow in known if math.isfinite(_rate(arrow))]
    rated.sort(key=lambda arrow: (arrow.judged is None or arrow.judged.metric != x.name, -_rate(arrow)))
    return next(iter([*picked, *rated, *known]), None)


def _rate(arrow: Arrow) -> float:
    return arrow.win_rate.mean if arrow.win_rate else math.nan


def in_a_sentence(arrow: Arrow, x: Metric, y: Metric, titles: Mapping[str, str] = NO_TITLES) -> str:
    """``minimal_dpo at CFG 4 beside base, on 24 prompts: preferred in 81 % (77 to 85), 8 % less varied (4 to 12).``

    ``titles`` are what people call checkpoints.
    """
    judged = arrow.judged is not None and arrow.judged.metric == x.name
    said = [*_preferred(arrow.win_rate), *([] if judged else [_moved(arrow, x)])]
    said += [] if y == x else [_varied(arrow, y)]
    parent = titles.get(arrow.parent.checkpoint, arrow.parent.checkpoint)
    who = f"{setting_name(arrow.policy, titles)} beside {parent}"
    count = f"{arrow.x.prompts} prompt{'s' if arrow.x.prompts != 1 else ''}"
    return f"{who}, on {count}: {', '.join(said)}."


def _preferred(rate: Interval | None) -> list[str]:
    if rate is None or math.isnan(rate.mean):
        return []
    ends = "" if math.isnan(rate.lo) else f" ({rate.lo * 100:.0f} to {rate.hi * 100:.0f})"
    return [f"preferred in {rate.mean * 100:.0f} %{ends}"]


def _moved(arrow: Arrow, metric: Metric) -> str:
    gap = arrow.x.difference
    if gap is None:
        return _instead(arrow.x, metric)
    if not _excludes(arrow.x):
        return f"{metric.title} not clearly changed ({gap.mean:+.3f})"
    return f"{metric.title} {gap.mean:+.3f} ({gap.lo:+.3f} to {gap.hi:+.3f})"


def _varied(arrow: Arrow, metric: Metric) -> str:
    share = arrow.relative
    if share is None:
        return _instead(arrow.y, metric)
    if not _excludes(arrow.y):
        return f"{metric.title} not clearly changed ({share.mean * 100:+.0f} %)"
    low, high = sorted((abs(share.lo), abs(share.hi)))
    more = (share.mean > 0) == metric.higher_is_better
    what = "varied" if metric.axis == "diversity" else metric.title
    ends = f"({low * 100:.0f} to {high * 100:.0f})"
    return f"{abs(share.mean) * 100:.0f} % {'more' if more else 'less'} {what} {ends}"


def _instead(one: Comparison, metric: Metric) -> str:
    return f"{metric.title} {one.policy_mean.mean:.2f} instead of {one.base_mean.mean:.2f}"


def _excludes(one: Comparison) -> bool:
    gap = one.difference
    return gap is not None and math.isfinite(gap.lo) and not gap.lo <= 0 <= gap.hi
