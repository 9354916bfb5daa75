"""Per-cell scores to the points of the trade-off chart: one config, averaged over its prompts, on two metrics."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from t2ialign.tradeoff.interval import Effects, over_prompts
from t2ialign.types import GenerationConfig, InputError, Interval, Metric, TradeoffPoint


@dataclass(frozen=True)
class CellScore:
    """One metric's batch value on one cell (config and prompt), as the store keeps it.

    ``effects`` says by how much each seed moves the value: {seed: effect}, NaN = unknown, empty = seeds of its own.
    ``notes`` are what people should know of the cell, in sentences.
    """

    config: GenerationConfig
    cell: str
    prompt: str
    seeds: int
    metric: str
    version: str
    value: Interval
    effects: Effects = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def tradeoff_points(rows: Iterable[CellScore], x: Metric, y: Metric) -> list[TradeoffPoint]:
    """One point per config, from the cells that both metrics have scored, in the order in which configs first appear.

    With a metric that depends on the number of pictures, only cells with the usual number of seeds take part. Raises
    ``InputError`` where one axis would mix values of different metric versions.
    """
    cells: dict[GenerationConfig, dict[str, dict[str, CellScore]]] = defaultdict(lambda: defaultdict(dict))
    kept = at_equal_n([row for row in rows if row.metric in (x.name, y.name)], (x, y))
    versions = {metric.name: single_version(kept, metric.name) for metric in (x, y)}
    for row in kept:
        if not math.isnan(row.value.mean):
            cells[row.config][row.cell][row.metric] = row
    points = []
    for config, scored in cells.items():
        both = {cell: found for cell, found in scored.items() if x.name in found and y.name in found}
        if both:
            points.append(_point(config, both, x, y, versions))
    return points


def at_equal_n(rows: Sequence[CellScore], metrics: Sequence[Metric]) -> list[CellScore]:
    """The rows of cells that may be set beside each other: all, or where a metric needs it those of the usual size.

    The usual size is that of most rows of the metric, the larger where two are equally common.
    """
    for metric in metrics:
        if metric.equal_n:
            counts = Counter(row.seeds for row in rows if row.metric == metric.name and not math.isnan(row.value.mean))
            usual = max(counts, key=lambda seeds: (counts[seeds], seeds), default=0)
            cells = {row.cell for row in rows if row.metric == metric.name and row.seeds == usual}
            rows = [row for row in rows if row.cell in cells]
    return list(rows)


def single_version(rows: Iterable[CellScore], metric: str) -> str:
    """The one version of a metric's rows (empty if there are none), or ``InputError`` if there are several."""
    versions = sorted({row.version for row in rows if row.metric == metric})
    if len(versions) > 1:
        listed = " and ".join(versions)
        raise InputError(
            f"{metric} was scored by different versions ({listed}), which one axis must not mix; re-score."
        )
    return versions[0] if versions else ""


def _point(
    config: GenerationConfig,
    cells: dict[str, dict[str, CellScore]],
    x: Metric,
    y: Metric,
    versions: dict[str, str],
) -> TradeoffPoint:
    axes = [_over_prompts([found[metric.name] for found in cells.values()], metric) for metric in (x, y)]
    return TradeoffPoint(
        config=config,
        x_metric=x.name,
        y_metric=y.name,
        x=axes[0],
        y=axes[1],
        prompts=len({found[x.name].prompt for found in cells.values()}),
        seeds=sum(min(found[x.name].seeds, found[y.name].seeds) for found in cells.values()),
        x_version=versions[x.name],
        y_version=versions[y.name],
        cells=tuple(cells),
        notes=_notes(cells),
    )


def _notes(cells: Mapping[str, Mapping[str, CellScore]]) -> tuple[tuple[str, int], ...]:
    """The notes of a point's cells, each once, with the number of cells that it is about."""
    counts = Counter(
        note for found in cells.values() for note in {n: None for row in found.values() for n in row.notes}
    )
    return tuple(counts.items())


def _over_prompts(rows: Sequence[CellScore], metric: Metric) -> Interval:
    found = over_prompts([row.value for row in rows], metric.finish, [row.effects for row in rows])
    return found.within(metric.bounds)
