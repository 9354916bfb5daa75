"""From the store to the chart: points of two metrics, of one version each, and what they say in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from t2ialign.charts import solid_points
from t2ialign.charts.intervals import in_words
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.words import counted, default_metric
from t2ialign.metrics import METRICS
from t2ialign.store import Filters, cell_scores, choices
from t2ialign.tradeoff.correlation import rank_correlation
from t2ialign.tradeoff.points import CellScore, tradeoff_points
from t2ialign.types import Axis, Metric, TradeoffPoint
from t2ialign.use_cases.batches.rescore import current_version

FEW = 3


@dataclass(frozen=True)
class Chosen:
    """What a chart shows: two metrics and which cells."""

    x: Metric
    y: Metric
    filters: Filters = field(default_factory=Filters)


@dataclass(frozen=True)
class Points:
    """The points of a chart, the cell scores behind them, and the cells that only other metric versions have scored."""

    points: tuple[TradeoffPoint, ...]
    rows: tuple[CellScore, ...]
    other_versions: tuple[str, ...] = ()

    @property
    def left_out(self) -> int:
        return len(self.other_versions)

    def of(self, config: str) -> TradeoffPoint | None:
        """The point of a config's key."""
        return next((point for point in self.points if point.config.key == config), None)


def choose(x: str, y: str, scored: Sequence[str], filters: Filters | None = None) -> Chosen:
    """Metrics by name; an empty or unscored name means the axis' first scored metric."""
    return Chosen(_metric(x, "alignment", scored), _metric(y, "diversity", scored), filters or Filters())


def _metric(name: str, axis: Axis, scored: Sequence[str]) -> Metric:
    return METRICS[name] if name in scored and name in METRICS else default_metric(axis, scored)


def load_points(services: Services, chosen: Chosen) -> Points:
    """The chart's points; of several metric versions only the most frequent one counts (of equals, today's), and is said."""
    rows = cell_scores(services.store, chosen.x.name, chosen.y.name, chosen.filters)
    usual = {metric.name: _usual_version(services, rows, metric) for metric in (chosen.x, chosen.y)}
    kept = tuple(row for row in rows if row.version == usual[row.metric])
    whole = {row.cell for row in kept if row.metric == chosen.x.name} & {
        row.cell for row in kept if row.metric == chosen.y.name
    }
    left_out = tuple(sorted({row.cell for row in rows} - whole))
    return Points(tuple(tradeoff_points(kept, chosen.x, chosen.y)), kept, left_out)


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


def in_a_sentence(found: Points, chosen: Chosen) -> str:
    """What the points say together: how the two axes move with each other, and what was left out."""
    text = _correlation(found.points, chosen)
    if found.left_out:
        text += (
            f" {counted(found.left_out, 'cell')} scored by another version of these metrics are left out, because one "
            "axis must not mix versions."
        )
    return text + "".join(_warning(found, metric) for metric in dict.fromkeys((chosen.x, chosen.y)))


def _warning(found: Points, metric: Metric) -> str:
    """What must stand beside a chart of a metric that measures no set, or not sets of any size alike."""
    if metric.axis == "diversity" and metric.level == "image":
        return (
            f" {metric.title} measures single pictures, not how they differ: copies of one picture score like different "
            "ones, so it says nothing about a set."
        )
    if not metric.equal_n or not found.points:
        return ""
    shown = {cell for point in found.points for cell in point.cells}
    sizes = sorted({row.seeds for row in found.rows if row.cell in shown})
    others = {row.cell for row in found.rows} - shown
    left = f"; {counted(len(others), 'cell')} with another number are left out" if others else ""
    return f" {metric.title} grows with the number of pictures, so only cells of {sizes[0]} seeds are compared{left}."


def _correlation(points: Sequence[TradeoffPoint], chosen: Chosen) -> str:
    drawn = [point for point in points if math.isfinite(point.x.mean) and math.isfinite(point.y.mean)]
    known = solid_points(drawn)
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


def _other(chosen: Chosen) -> str:
    """What the vertical axis has more or less of; a metric of single pictures is not called diversity."""
    if chosen.y.axis == "diversity" and chosen.y.level == "image":
        return chosen.y.title
    return chosen.y.axis if chosen.y.axis != chosen.x.axis else f"{chosen.y.axis} by {chosen.y.title}"


def _usual_version(services: Services, rows: Sequence[CellScore], metric: Metric) -> str:
    """The version that most cells of a metric were scored with; of several, today's if it is known, else the later name."""
    counts = Counter(row.version for row in rows if row.metric == metric.name)
    if len(counts) < 2:
        return next(iter(counts), "")
    today = current_version(services.bench, metric)
    return max(counts, key=lambda version: (counts[version], version == today, version))
