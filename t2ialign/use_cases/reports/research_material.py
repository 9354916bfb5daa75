"""What a research report stands on: the scored cells of one benchmark set and backbone, gathered once; its numbers in words."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial

from t2ialign import store
from t2ialign.metrics import DEFAULT, METRICS
from t2ialign.names import PLAIN, strategy_of, unknown
from t2ialign.store import BenchmarkRow, Filters, ScoredPoints
from t2ialign.store.cell_values import cell_values
from t2ialign.tradeoff.arrows import Arrow, arrows_of
from t2ialign.tradeoff.cell_values import CellValues
from t2ialign.tradeoff.front_band import Knee, knee
from t2ialign.types import Axis, GenerationConfig, InputError, Interval, Metric, TradeoffPoint
from t2ialign.use_cases.align.lineage import BASE, Lineage, lineages
from t2ialign.use_cases.batches.rescore import current_version
from t2ialign.use_cases.measures import first_metric
from t2ialign.use_cases.reports.text import benchmark_keys
from t2ialign.use_cases.workbench import Workbench

USUAL_SCALE = 4.0  # of the reference, where the base has it
MOST_METRICS = 10  # of a matrix: more are too small to read


@dataclass(frozen=True)
class ReportSubject:
    """What a report is to be about; "" is what the store has most of."""

    benchmark: str = ""
    x: str = ""
    y: str = ""
    backbone: str = ""


@dataclass(frozen=True)
class Material:
    """``cells`` has all metrics of ``metrics``; ``reference`` is the base's config that others are measured against."""

    bench: Workbench
    benchmark: BenchmarkRow
    backbone: str
    filters: Filters
    x: Metric
    y: Metric
    scored: ScoredPoints
    arrows: tuple[Arrow, ...]
    cells: CellValues
    lines: Mapping[str, Lineage]
    reference: GenerationConfig | None
    others: tuple[str, ...] = ()
    wanted: ReportSubject = ReportSubject()

    @property
    def on_this_set(self) -> str:
        """The option by which commands look at the same prompts and seeds."""
        return f"--benchmark {self.benchmark.key}"

    @property
    def report(self) -> str:
        """The command that prints the sentences of this report, and writes its figures."""
        said_ = {field.name: getattr(self.wanted, field.name) for field in fields(self.wanted)}
        options = (f"--{name} {shlex.quote(value)}" for name, value in said_.items() if value)
        return " ".join(["python -m t2ialign report", *options, "--out report.html"])

    @property
    def base_name(self) -> str:
        """What the base is called on the command line."""
        return BASE if self.backbone == "shapes" else self.backbone

    @property
    def points(self) -> tuple[TradeoffPoint, ...]:
        return self.scored.points

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return self.cells.metrics

    def on(self, axis: Axis) -> list[Metric]:
        """The metrics of an axis, the chart's own first."""
        first = self.x if axis == "alignment" else self.y
        rest = [metric for metric in self.metrics if metric.axis == axis and metric != first]
        return ([first] if first.axis == axis else []) + rest

    def narrowed(self, metrics: Sequence[Metric]) -> CellValues:
        """The cells by some metrics alone, in their order."""
        places = [[one.name for one in self.metrics].index(metric.name) for metric in metrics]
        return replace(self.cells, metrics=tuple(metrics), values=self.cells.values[places])

    @property
    def guided(self) -> list[GenerationConfig]:
        """The reference at every CFG that it was swept at, weakest first."""
        if self.reference is None:
            return []
        alike = replace(self.reference, guidance_scale=0.0)
        found = [point.config for point in self.points if replace(point.config, guidance_scale=0.0) == alike]
        return sorted(found, key=lambda config: config.guidance_scale)


def gather(bench: Workbench, wanted: ReportSubject) -> Material | None:
    """The material of a store; None where no benchmark set has scores on both axes.

    Raises:
        InputError: a benchmark set, metric or backbone that is not there.
    """
    benchmark_keys(bench.store, wanted.benchmark)
    for row in store.list_benchmarks(bench.store):
        if row.configs and wanted.benchmark in ("", row.key, row.title):
            found = _of(bench, row, wanted)
            if found is not None:
                return found
    return None


def _of(bench: Workbench, row: BenchmarkRow, wanted: ReportSubject) -> Material | None:
    filters = Filters(benchmarks=(row.key,))
    scored = store.scored_metrics(bench.store, filters)
    x, y = _metric("alignment", wanted.x, scored), _metric("diversity", wanted.y, scored)
    if x is None or y is None:
        return None
    today = partial(current_version, bench)
    everyone = store.scored_points(bench.store, x, y, filters, today).points
    counts = Counter(point.config.backbone for point in everyone)
    if wanted.backbone and wanted.backbone not in counts:
        raise unknown("backbone", wanted.backbone, counts)
    if not counts:
        return None
    backbone = wanted.backbone or max(counts, key=lambda name: (counts[name], name))
    filters = replace(filters, backbones=(backbone,))
    points = store.scored_points(bench.store, x, y, filters, today)
    lines = lineages(bench.registry().checkpoints.values())
    return Material(
        bench,
        row,
        backbone,
        filters,
        x,
        y,
        points,
        tuple(_arrows(bench, points, x, y, filters, lines)),
        cell_values(bench.store, _shown(x, y, scored), filters, today),
        lines,
        reference_of([point.config for point in points.points]),
        tuple(name for name in counts if name != backbone),
        wanted,
    )


def _metric(axis: Axis, name: str, scored: Sequence[str]) -> Metric | None:
    if not name:
        return first_metric(axis, scored)
    if name not in METRICS:
        raise unknown("metric", name, METRICS)
    if METRICS[name].axis != axis:
        raise InputError(f"{name} measures {METRICS[name].axis}, not {axis}: name a metric of {axis}.")
    return METRICS[name] if name in scored else None


def _shown(x: Metric, y: Metric, scored: Sequence[str]) -> list[Metric]:
    """The axes' own first, then the short list as far as it is scored and fits a matrix."""
    menu = [METRICS[name] for name in DEFAULT if name in scored and METRICS[name] not in (x, y)]
    sides = [[metric for metric in menu if metric.axis == one.axis] for one in (x, y)]
    sets = [metric for metric in sides[1] if metric.level != "image"]
    return [x, y, *sides[0][: MOST_METRICS // 2 - 1], *sets[: MOST_METRICS // 2 - 1]]


def reference_of(configs: Sequence[GenerationConfig]) -> GenerationConfig | None:
    """The base with plain guidance, at the usual CFG or the one nearest to it."""
    plain = [config for config in configs if config.checkpoint == BASE and config.guidance == PLAIN]
    return min(plain, key=lambda one: (abs(one.guidance_scale - USUAL_SCALE), one.key), default=None)


def _arrows(
    bench: Workbench, found: ScoredPoints, x: Metric, y: Metric, filters: Filters, lines: Mapping[str, Lineage]
) -> list[Arrow]:
    """What each trained checkpoint changed against its parent, with the win rate by what it was trained for."""
    names = dict.fromkeys(point.config.checkpoint for point in found.points)
    parents = {name: lines[name].parent for name in names if name in lines and lines[name].parent}
    judges = {name: lines[name].judge for name in parents if lines[name].judge}
    pairs = [
        replace(pair, judge=judges.get(pair.policy.checkpoint, ""))
        for pair in store.pairs_of(bench.store, [point.config for point in found.points], parents)
    ]
    made = store.scored_comparisons(bench.store, pairs, METRICS, [x.name, y.name], found.versions, filters)
    return arrows_of(made, x, y, judges)


def said(found: Interval, sign: str = "") -> str:
    """``0.710 (0.662 to 0.750)``, to the digits of the commands, or the mean alone where the ends are unknown."""
    mean, lo, hi = (f"{end:{sign}.3f}" for end in (found.mean, found.lo, found.hi))
    return mean if math.isnan(found.lo) else f"{mean} ({lo} to {hi})"


def bend_in_words(corner: Knee) -> str:
    """Where the front bends most, and how sure that is."""
    return (
        f"The front bends most at {setting_name(corner.config)} ({corner.x:.3f}, {corner.y:.3f}), in "
        f"{corner.share:.0%} of resamples of the prompts: beyond it more alignment costs more diversity than before it."
    )


def bends(bench: Workbench, points: Sequence[TradeoffPoint], benchmark: str) -> Iterator[str]:
    """Where the front of one set's points bends, backbone by backbone, in words; nothing of a front without a knee."""
    today = partial(current_version, bench)
    for backbone in dict.fromkeys(point.config.backbone for point in points):
        own = [point for point in points if point.config.backbone == backbone]
        axes = METRICS[own[0].x_metric], METRICS[own[0].y_metric]
        filters = Filters(
            benchmarks=benchmark_keys(bench.store, benchmark), configs=tuple(one.config.key for one in own)
        )
        corner = knee(cell_values(bench.store, axes, filters, today), *axes)
        if corner is not None:
            yield bend_in_words(corner)


def setting_name(config: GenerationConfig) -> str:
    """``minimal_dpo at CFG 4``, with its guidance strategy where that is not plain guidance."""
    strategy = strategy_of(config)
    by = "" if strategy == PLAIN else f" with {strategy}"
    return f"{config.checkpoint}{by} at CFG {config.guidance_scale:g}"
