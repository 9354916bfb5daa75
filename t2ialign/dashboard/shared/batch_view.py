"""From a watched subject to what the page shows of it: groups of tiles, headlines, points."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from t2ialign.dashboard.shared.contact_sheet import Tile, TileGroup
from t2ialign.dashboard.shared.headline import UNKNOWN, Headline
from t2ialign.dashboard.shared.html import Look
from t2ialign.dashboard.shared.pictures import address, preview_uri
from t2ialign.dashboard.shared.words import default_metric
from t2ialign.metrics import METRICS
from t2ialign.types import Axis, Interval, Metric, TradeoffPoint
from t2ialign.use_cases.batches.score_batch import BatchState
from t2ialign.use_cases.measures import first_metric


def metric_of(axis: Axis, batches: Sequence[BatchState]) -> Metric:
    """The metric that stands for an axis in these batches: one that all of those scored so far have, if there is one.

    Where there is none it is one that was left out for want of weights, whose number is not known yet.
    """
    scored = [set(batch.scores) for batch in batches if batch.scores]
    left_out = {name for batch in batches for part in batch.left_out for name in part.metrics}
    known = set.intersection(*scored) if scored else set()
    return first_metric(axis, known) or default_metric(axis, left_out)


def group_of(batch: BatchState, palette: Mapping[str, Look], shown: Metric) -> TileGroup:
    """One checkpoint's tiles: pictures that are finished, previews of those that are not, places for the rest."""
    single = {name: score.values.tolist() for name, score in batch.scores.items() if score.level == "image"}
    scores = picture_scores({name: dict(zip(batch.images, values)) for name, values in single.items()}, shown)
    tiles = []
    for seed in batch.request.seeds:
        if seed in batch.images:
            large = address(batch.cell, seed)
            tiles.append(Tile(seed, address(batch.cell, seed, small=True), large, scores.get(seed, ())))
        else:
            tiles.append(Tile(seed, preview_uri(batch.previews[seed]) if seed in batch.previews else ""))
    name = batch.request.checkpoint
    return TileGroup(name, palette[batch.config.checkpoint], tuple(tiles), batch.config.height)


def picture_scores(
    values: Mapping[str, Mapping[int, float]], shown: Metric
) -> dict[int, tuple[tuple[Metric, float], ...]]:
    """Values by metric and seed, turned into values by seed: the shown metric first, then in the order of the menu."""
    order = [shown, *(metric for metric in METRICS.values() if metric is not shown)]
    table: dict[int, list[tuple[Metric, float]]] = defaultdict(list)
    for metric in order:
        for seed, value in values.get(metric.name, {}).items():
            table[seed].append((metric, value))
    return {seed: tuple(found) for seed, found in table.items()}


def headline_of(batch: BatchState, palette: Mapping[str, Look], alignment: Metric, diversity: Metric) -> Headline:
    """One checkpoint's two numbers as they stand."""
    return Headline(
        batch.request.checkpoint,
        palette[batch.config.checkpoint],
        interval_of(batch, alignment),
        interval_of(batch, diversity),
        len(batch.images),
        len(batch.request.seeds),
    )


def interval_of(batch: BatchState, metric: Metric) -> Interval:
    """A metric's mean and interval over the batch's seeds so far."""
    score = batch.scores.get(metric.name)
    return Interval(score.mean, score.lo, score.hi) if score else UNKNOWN


def point_of(batch: BatchState, x: Metric, y: Metric) -> TradeoffPoint:
    """The batch alone as a point: one prompt, its seeds so far."""
    versions = {name: score.version for name, score in batch.scores.items()}
    return TradeoffPoint(
        config=batch.config,
        x_metric=x.name,
        y_metric=y.name,
        x=interval_of(batch, x),
        y=interval_of(batch, y),
        prompts=1,
        seeds=len(batch.images),
        x_version=versions.get(x.name, ""),
        y_version=versions.get(y.name, ""),
        cells=(batch.cell,),
    )
