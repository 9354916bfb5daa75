"""From the store to the chart: points of two metrics on one benchmark set, what trained ones changed, and both in words."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from t2ialign.charts import FEW_PROMPTS, solid_points
from t2ialign.charts.intervals import in_words
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.words import counted, default_metric
from t2ialign.metrics import METRICS
from t2ialign.store import (
    Filters,
    ScoredPoints,
    benchmark_size,
    cell_scores,
    cells_left_out,
    choices,
    list_benchmarks,
    pairs_of,
    scored_comparisons,
    scored_points,
)
from t2ialign.tradeoff.arrows import Arrow, arrows_of
from t2ialign.tradeoff.correlation import rank_correlation
from t2ialign.tradeoff.points import CellScore, tradeoff_points
from t2ialign.types import Axis, InputError, Metric, TradeoffPoint
from t2ialign.use_cases.align.lineage import lineages
from t2ialign.use_cases.batches.rescore import current_version

FEW = 3
NO_SET = "none"  # the key of no benchmark set: nothing is on it
UNEQUAL = "These points are on different prompts and seeds, so they are not compared: choose a benchmark set for that."


@dataclass(frozen=True)
class ChartChoice:
    """What a chart shows: two metrics and which cells; ``hidden`` checkpoints are left out of it."""

    x: Metric
    y: Metric
    filters: Filters = field(default_factory=Filters)
    hidden: tuple[str, ...] = ()

    @property
    def shown(self) -> Filters:
        """The filters without the hidden checkpoints."""
        return replace(self.filters, without=self.hidden)

    @property
    def comparable(self) -> bool:
        """Whether all points are of one benchmark set; else each is of whatever prompts it has."""
        return bool(self.filters.benchmarks)


@dataclass(frozen=True)
class ChartPoints:
    """The points of a chart without their cells (``cells_of`` has those), and what was left out of them.

    ``scored``: the points as the store counts them. ``whole``: how many prompts a point has that is compared with the others.
    """

    scored: ScoredPoints
    whole: int = FEW_PROMPTS

    @property
    def points(self) -> tuple[TradeoffPoint, ...]:
        return self.scored.points

    @property
    def left_out(self) -> int:
        """How many cells only other versions of the metrics have scored."""
        return self.scored.left_out

    def of(self, config: str) -> TradeoffPoint | None:
        """The point of a config's key."""
        return next((point for point in self.points if point.config.key == config), None)


def choose(x: str, y: str, scored: Sequence[str], filters: Filters | None = None) -> ChartChoice:
    """Metrics by name; an empty or unscored name means the axis' first scored metric."""
    return ChartChoice(_metric(x, "alignment", scored), _metric(y, "diversity", scored), filters or Filters())


def _metric(name: str, axis: Axis, scored: Sequence[str]) -> Metric:
    return METRICS[name] if name in scored and name in METRICS else default_metric(axis, scored)


def load_points(services: Services, chosen: ChartChoice) -> ChartPoints:
    """The chart's points; of several metric versions only the most frequent one counts (of equals, today's), and is said."""
    today = partial(current_version, services.bench)
    found = scored_points(services.store, chosen.x, chosen.y, chosen.shown, today)
    return ChartPoints(found, _whole(services, chosen.filters))


def left_out_cells(services: Services, chosen: ChartChoice, found: ChartPoints) -> tuple[str, ...]:
    """The keys of the cells that only other versions have scored."""
    return cells_left_out(services.store, chosen.x, chosen.y, chosen.shown, found.scored.versions)


def cells_of(
    services: Services, chosen: ChartChoice, found: ChartPoints, config: str
) -> tuple[TradeoffPoint, list[CellScore]]:
    """The point of a config's key with its cells, and their scores.

    Raises:
        InputError: no such point is on the chart.
    """
    known, filters = found.scored, replace(chosen.shown, configs=(config,))
    rows = [
        row
        for row in (cell_scores(services.store, chosen.x.name, chosen.y.name, filters) if found.of(config) else ())
        if row.version == known.versions[row.metric] and known.size in (None, row.seeds)
    ]
    points = tradeoff_points(rows, chosen.x, chosen.y)
    if not points:
        raise InputError("This point is no longer on the chart: loosen the filters, or click another one.")
    return points[0], rows


def _whole(services: Services, filters: Filters) -> int:
    """The prompts of the benchmark set that the filters leave."""
    return benchmark_size(services.store, filters) or FEW_PROMPTS


def usual_benchmark(services: Services, filters: Filters | None = None) -> str:
    """The set on which most configs that pass the filters have scores; ``NO_SET`` if none has."""
    return next((row.key for row in list_benchmarks(services.store, filters or Filters()) if row.configs), NO_SET)


def load_arrows(services: Services, chosen: ChartChoice, found: ChartPoints) -> list[Arrow]:
    """What each trained checkpoint on the chart changed against its parent, on the prompts and seeds that both have."""
    known = lineages(services.checkpoints().values())
    parents: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(point.config.checkpoint for point in found.points):
        parent = known[name].parent if name in known else ""
        if parent:
            parents[parent].append(name)
    judges = {name: line.judge for name, line in known.items() if line.judge}
    by_name = {name: parent for parent, names in parents.items() for name in names}
    pairs = [
        replace(pair, judge=judges.get(pair.policy.checkpoint, ""))
        for pair in pairs_of(services.store, [point.config for point in found.points], by_name)
    ]
    axes = list(dict.fromkeys((chosen.x.name, chosen.y.name)))
    everyone = replace(chosen.filters, checkpoints=())
    made = scored_comparisons(services.store, pairs, METRICS, axes, found.scored.versions, everyone)
    return arrows_of(made, chosen.x, chosen.y, judges)


def metric_choices(services: Services) -> list[tuple[str, str]]:
    """The scored metrics as (label, name), grouped by axis in the order of the menu."""
    scored = choices(services.store)["metrics"]
    axes: tuple[Axis, ...] = ("alignment", "diversity")
    return [
        (f"{axis.capitalize()} · {metric.title}", metric.name)
        for axis in axes
        for metric in METRICS.values()
        if metric.axis == axis and metric.name in scored
    ]


def in_a_sentence(found: ChartPoints, chosen: ChartChoice) -> str:
    """What the points say together: how the two axes move with each other, and what was left out."""
    text = _correlation(found, chosen) if chosen.comparable else UNEQUAL
    if found.left_out:
        text += (
            f" {counted(found.left_out, 'cell')} scored by another version of these metrics are left out, because one "
            "axis must not mix versions."
        )
    return text + "".join(_warning(found, metric) for metric in dict.fromkeys((chosen.x, chosen.y)))


def _warning(found: ChartPoints, metric: Metric) -> str:
    """What must stand beside a chart of a metric that measures no set, or not sets of any size alike."""
    if metric.axis == "diversity" and metric.level == "image":
        return (
            f" {metric.title} measures single pictures, not how they differ: copies of one picture score like different "
            "ones, so it says nothing about a set."
        )
    if not metric.equal_n or not found.points:
        return ""
    size, others = found.scored.size, found.scored.other_sizes
    left = f"; {counted(others, 'cell')} with another number are left out" if others else ""
    return f" {metric.title} grows with the number of pictures, so only cells of {size} seeds are compared{left}."


def _correlation(found: ChartPoints, chosen: ChartChoice) -> str:
    drawn = [point for point in found.points if math.isfinite(point.x.mean) and math.isfinite(point.y.mean)]
    known = solid_points(drawn, found.whole)
    if len(known) < FEW:
        return f"{counted(len(known), 'point')}: too few to say how the two axes move together."
    sign = 1 if chosen.x.higher_is_better == chosen.y.higher_is_better else -1
    rho = rank_correlation([point.x.mean for point in known], [point.y.mean for point in known])
    if math.isnan(rho.mean):
        return "One axis is the same at every point, so nothing can be said about how they move together."
    gain = f"more {chosen.x.axis}"
    effect = "less" if sign * rho.mean < 0 else "more"
    strength = "clearly" if abs(rho.mean) >= 0.7 else "somewhat" if abs(rho.mean) >= 0.3 else "hardly"
    if strength == "hardly":
        claim = "the two axes hardly move together"
    else:
        claim = f"{gain} goes {strength} with {effect} {_other(chosen)}"
    solid = "" if len(known) == len(drawn) else "solid "
    return f"Over these {counted(len(known), f'{solid}point')}, {claim}: rank correlation {in_words(rho)}."


def _other(chosen: ChartChoice) -> str:
    """What the vertical axis has more or less of; a metric of single pictures is not called diversity."""
    if chosen.y.axis == "diversity" and chosen.y.level == "image":
        return chosen.y.title
    return chosen.y.axis if chosen.y.axis != chosen.x.axis else f"{chosen.y.axis} by {chosen.y.title}"
