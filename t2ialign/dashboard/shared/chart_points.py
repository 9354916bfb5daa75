"""From the store to the chart: points of two metrics on one benchmark set, what trained ones changed, and both in words."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from t2ialign.charts import FEW_PROMPTS, solid_points
from t2ialign.charts.intervals import in_words
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.words import counted, default_metric
from t2ialign.metrics import METRICS
from t2ialign.store import Filters, benchmark_size, cell_scores, choices, list_benchmarks, paired_scores
from t2ialign.tradeoff.arrows import Arrow, arrows, shared_version
from t2ialign.tradeoff.comparison import PairedScore
from t2ialign.tradeoff.correlation import rank_correlation
from t2ialign.tradeoff.points import CellScore, tradeoff_points
from t2ialign.types import Axis, Metric, TradeoffPoint
from t2ialign.use_cases.align.lineage import lineages
from t2ialign.use_cases.batches.rescore import current_version

FEW = 3
NO_SET = "none"  # the key of no benchmark set: nothing is on it
UNEQUAL = "These points are on different prompts and seeds, so they are not compared: choose a benchmark set for that."


@dataclass(frozen=True)
class Chosen:
    """What a chart shows: two metrics and which cells; ``hidden`` checkpoints are left out of it."""

    x: Metric
    y: Metric
    filters: Filters = field(default_factory=Filters)
    hidden: tuple[str, ...] = ()

    @property
    def comparable(self) -> bool:
        """Whether all points are of one benchmark set; else each is of whatever prompts it has."""
        return bool(self.filters.benchmarks)


@dataclass(frozen=True)
class Points:
    """The points of a chart, the cell scores behind them, and the cells that only other metric versions have scored.

    ``whole``: how many prompts a point has that is compared with the others.
    """

    points: tuple[TradeoffPoint, ...]
    rows: tuple[CellScore, ...]
    other_versions: tuple[str, ...] = ()
    whole: int = FEW_PROMPTS

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
    rows = [
        row
        for row in cell_scores(services.store, chosen.x.name, chosen.y.name, chosen.filters)
        if row.config.checkpoint not in chosen.hidden
    ]
    usual = {metric.name: _usual_version(services, rows, metric) for metric in (chosen.x, chosen.y)}
    kept = tuple(row for row in rows if row.version == usual[row.metric])
    whole = {row.cell for row in kept if row.metric == chosen.x.name} & {
        row.cell for row in kept if row.metric == chosen.y.name
    }
    left_out = tuple(sorted({row.cell for row in rows} - whole))
    points = tuple(tradeoff_points(kept, chosen.x, chosen.y))
    return Points(points, kept, left_out, _whole(services, chosen.filters))


def _whole(services: Services, filters: Filters) -> int:
    """The prompts of the benchmark set that the filters leave."""
    return benchmark_size(services.store, filters) or FEW_PROMPTS


def usual_benchmark(services: Services, filters: Filters | None = None) -> str:
    """The set on which most configs that pass the filters have scores; ``NO_SET`` if none has."""
    return next((row.key for row in list_benchmarks(services.store, filters or Filters()) if row.configs), NO_SET)


def load_arrows(services: Services, chosen: Chosen, found: Points) -> list[Arrow]:
    """What each trained checkpoint on the chart changed against its parent, on the prompts and seeds that both have."""
    known = lineages(services.checkpoints().values())
    parents: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(point.config.checkpoint for point in found.points):
        parent = known[name].parent if name in known else ""
        if parent:
            parents[parent].append(name)
    judges = {name: line.judge for name, line in known.items() if line.judge}
    shown = {point.config for point in found.points}
    versions = {
        name: version for p in found.points for name, version in ((p.x_metric, p.x_version), (p.y_metric, p.y_version))
    }
    everyone = replace(chosen.filters, checkpoints=())
    rows: list[PairedScore] = []
    for parent, names in parents.items():
        metrics = list(dict.fromkeys((chosen.x.name, chosen.y.name, *(judges[n] for n in names if n in judges))))
        rows += paired_scores(services.store, names, parent, metrics, everyone)
    kept = [row for row in rows if row.policy in shown and row.base.revision == row.policy.revision]
    return arrows(shared_version(kept, versions), chosen.x, chosen.y, judges, METRICS)


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
    text = _correlation(found, chosen) if chosen.comparable else UNEQUAL
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


def _correlation(found: Points, chosen: Chosen) -> str:
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
