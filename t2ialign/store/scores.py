"""Scores in and out. A value is kept with the metric's version and its seeds, and only like is set beside like."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from t2ialign.store.benchmarks import prompts_shown
from t2ialign.store.database import Store
from t2ialign.store.filters import ALL, CELLS, Filters
from t2ialign.store.records import CellRecord, ScoreRecord, config_of
from t2ialign.store.writing import insert_records
from t2ialign.tradeoff.comparison import PairedScore
from t2ialign.tradeoff.points import CellScore
from t2ialign.types import Interval, Score, SeedBatch, content_key

Scales = tuple[float | None, float | None]
"""The CFG of a policy (None: any) and of its base (None: the policy's own)."""


def add_scores(store: Store, batch: SeedBatch, scores: Iterable[Score], notes: Iterable[str] = ()) -> None:
    """Store scores of a stored batch, of exactly its seeds; the same metric, version and seeds again is replaced.

    ``notes`` are what people should know of them; those that the cell has already stay.
    """
    record = record_scores(batch, scores, notes)
    with store.transaction([batch.prompt.key]) as cursor:
        insert_records(store.home, cursor, [record])


def record_scores(batch: SeedBatch, scores: Iterable[Score], notes: Iterable[str] = ()) -> CellRecord:
    """A batch's scores as a record, without its pictures."""
    found = tuple(ScoreRecord.of(score, batch.seeds) for score in scores)
    return CellRecord(batch.prompt, batch.config, scores=found, notes=tuple(notes))


def notes_of(store: Store, cell: str) -> tuple[str, ...]:
    """What people should know of a cell, in sentences."""
    return tuple(
        note for (note,) in store.rows("SELECT note FROM cell_notes WHERE cell = ? ORDER BY position, note", [cell])
    )


def notes_on(store: Store, filters: Filters = ALL) -> list[tuple[str, tuple[str, ...]]]:
    """What people should know of the cells that pass the filters: each sentence with the prompts that it is about."""
    sql = f"""
        SELECT note, list(DISTINCT text ORDER BY text) FROM cell_notes JOIN {CELLS} USING (cell) WHERE {filters.where}
        GROUP BY note ORDER BY len(list(DISTINCT text)) DESC, note
    """
    return [(note, tuple(prompts)) for note, prompts in store.rows(sql, filters.params())]


def scores_of(store: Store, cell: str, seeds: Sequence[int]) -> list[Score]:
    """The scores of exactly these seeds, every metric and version, with values (float64) in the order of ``seeds``."""
    wanted = content_key(sorted(seeds))
    return [record.score(seeds) for record in records_of(store, cell) if record.seed_set == wanted]


def records_of(store: Store, cell: str) -> list[ScoreRecord]:
    """Every score of a cell, by metric, version and number of seeds."""
    singles: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    sql = "SELECT metric, version, seed, value FROM image_scores JOIN images USING (image) WHERE cell = ?"
    for metric, version, seed, value in store.rows(sql, [cell]):
        singles[metric, version][seed] = value
    sql = """
        SELECT seeds, metric, version, axis, level, value, lo, hi, pairs, effects
        FROM batch_scores JOIN seed_sets USING (seed_set) WHERE cell = ? ORDER BY metric, version, n, seed_set
    """
    records = []
    for seeds, metric, version, axis, level, mean, lo, hi, pairs, effects in store.rows(sql, [cell]):
        image_values = [singles[metric, version].get(seed, math.nan) for seed in seeds]
        values = {"image": image_values, "pair": pairs, "batch": [mean, *(effects or ())]}[level]
        records.append(ScoreRecord(tuple(seeds), metric, version, axis, level, tuple(values), mean, lo, hi))
    return records


def cell_scores(
    store: Store, x_metric: str, y_metric: str, filters: Filters = ALL, x_version: str = "", y_version: str = ""
) -> list[CellScore]:
    """Rows for ``tradeoff.points``: both metrics on the largest seed set of each cell that both have scored.

    An empty version takes every one (``tradeoff_points`` refuses to mix them); NaN values are left out.
    """
    sql = f"""
        WITH scored AS (
            SELECT cell, seed_set, n, seeds, level, effects, metric, version, value, lo, hi, record, text, checkpoint,
                guidance_scale
            FROM batch_scores JOIN seed_sets USING (seed_set) JOIN {CELLS} USING (cell)
            WHERE NOT isnan(value) AND {filters.where_scores} AND (
                metric = $x AND $x_version IN ('', version) OR metric = $y AND $y_version IN ('', version)
            )
        ),
        shared AS (SELECT cell, seed_set, n FROM scored GROUP BY ALL HAVING count(DISTINCT metric) = $wanted),
        largest AS (SELECT cell, arg_max(seed_set, (n, seed_set)) AS seed_set FROM shared GROUP BY cell)
        SELECT record, cell, text, n, metric, version, value, lo, hi, said.notes, seeds, level, effects
        FROM scored JOIN largest USING (cell, seed_set)
        LEFT JOIN (SELECT cell, list(note ORDER BY note) AS notes FROM cell_notes GROUP BY cell) said USING (cell)
        ORDER BY checkpoint, guidance_scale, record, text, metric, version
    """
    names = {"x": x_metric, "y": y_metric, "x_version": x_version, "y_version": y_version}
    rows = store.rows(sql, filters.params() | names | {"wanted": len({x_metric, y_metric})})
    configs = {record: config_of(record) for record in {row[0] for row in rows}}
    return [
        CellScore(
            *(configs[record], cell, text, n, metric, version, Interval(value, lo, hi)),
            effects=_effects(*known),
            notes=tuple(notes or ()),
        )
        for record, cell, text, n, metric, version, value, lo, hi, notes, *known in rows
    ]


def paired_scores(
    store: Store,
    policies: Sequence[str],
    base: str,
    metrics: Sequence[str],
    filters: Filters = ALL,
    scales: Scales = (None, None),
) -> list[PairedScore]:
    """Rows for ``tradeoff.comparison``: each metric on the largest seed set that both checkpoints' cells of a prompt have.

    ``policies`` (none: every other of that backbone) and ``base`` are blends as people write them; ``filters`` restrict both
    sides. The base of another backbone is asked for by that backbone's name: ``base`` is that of the policy's own. Both sides
    have the same CFG, unless ``scales`` names the base's; then a checkpoint also meets itself under other settings.
    """
    sql = f"""
        WITH scored AS (
            SELECT cell, prompt, text, checkpoint, backbone, guidance_scale, record, seed_set, n, seeds, level, effects, metric,
                version, value
            FROM batch_scores JOIN seed_sets USING (seed_set) JOIN {CELLS} USING (cell)
            WHERE NOT isnan(value) AND list_contains($metrics::VARCHAR[], metric) AND {filters.where_scores}
        )
        SELECT p.record, b.record, p.text, p.n, p.metric, p.version, p.value, b.value, p.seeds, p.level, p.effects, b.effects
        FROM scored p JOIN scored b USING (prompt, seed_set, metric, version)
        WHERE b.guidance_scale = coalesce($theirs::DOUBLE, p.guidance_scale)
            AND p.guidance_scale = coalesce($ours::DOUBLE, p.guidance_scale)
            AND CASE WHEN b.checkpoint <> 'base' THEN b.checkpoint = $base
                ELSE $base = b.backbone OR $base = 'base' AND b.backbone = p.backbone END
            AND ((p.checkpoint, p.backbone) <> (b.checkpoint, b.backbone) OR $theirs IS NOT NULL AND p.record <> b.record)
            AND (
                len($policies::VARCHAR[]) = 0 AND p.backbone = b.backbone OR list_contains($policies, p.checkpoint)
                OR p.checkpoint = 'base' AND list_contains($policies, p.backbone)
            )
        QUALIFY row_number() OVER (PARTITION BY p.cell, b.cell, metric, version ORDER BY p.n DESC, seed_set DESC) = 1
        ORDER BY list_position($policies, p.checkpoint), p.checkpoint, p.guidance_scale, p.record, b.record,
            list_position($metrics, metric), version, p.text
    """
    wanted = {
        "policies": list(policies),
        "base": base,
        "metrics": list(metrics),
        "ours": scales[0],
        "theirs": scales[1],
    }
    return _paired(store.rows(sql, filters.params() | wanted))


def _paired(rows: Sequence[tuple[Any, ...]]) -> list[PairedScore]:
    """Rows as the queries of pairs select them."""
    configs = {record: config_of(record) for row in rows for record in row[:2]}
    return [
        PairedScore(
            configs[one],
            configs[other],
            *(prompt, n, metric, version, value, base_value),
            policy_effects=_effects(seeds, level, policy),
            base_effects=_effects(seeds, level, reference),
        )
        for one, other, prompt, n, metric, version, value, base_value, seeds, level, policy, reference in rows
    ]


def strategy_scores(
    store: Store, checkpoint: str, plain: str, metrics: Sequence[str], filters: Filters = ALL
) -> list[PairedScore]:
    """Rows for ``tradeoff.strategies``: each metric of a checkpoint's cells of any strategy and of those of the plain one.

    Paired on the largest seed set that both cells of a prompt have, whatever their guidance scales.
    """
    sql = f"""
        WITH scored AS (
            SELECT cell, prompt, text, guidance, guidance_scale, record, seed_set, n, seeds, level, effects, metric,
                version, value
            FROM batch_scores JOIN seed_sets USING (seed_set) JOIN {CELLS} USING (cell)
            WHERE NOT isnan(value) AND list_contains($metrics::VARCHAR[], metric) AND checkpoint = $checkpoint
                AND {filters.where_scores}
        )
        SELECT p.record, b.record, p.text, p.n, p.metric, p.version, p.value, b.value, p.seeds, p.level, p.effects, b.effects
        FROM scored p JOIN scored b USING (prompt, seed_set, metric, version)
        WHERE b.guidance = $plain AND p.guidance <> $plain
        QUALIFY row_number() OVER (PARTITION BY p.cell, b.cell, metric, version ORDER BY p.n DESC, seed_set DESC) = 1
        ORDER BY p.guidance, p.guidance_scale, p.record, b.guidance_scale, b.record,
            list_position($metrics, metric), version, p.text
    """
    wanted = {"checkpoint": checkpoint, "plain": plain, "metrics": list(metrics)}
    return _paired(store.rows(sql, filters.params() | wanted))


def _effects(seeds: Sequence[int], level: str, effects: Sequence[float] | None) -> dict[int, float]:
    """{seed: effect}; NaN where the value does not tell, unscored pictures left out."""
    known = zip(seeds, effects or [math.nan] * len(seeds), strict=True)
    return {seed: effect for seed, effect in known if not (level == "image" and math.isnan(effect))}


def choices(store: Store) -> dict[str, list[str]]:
    """What there is to choose from: ``categories``, ``checkpoints``, ``backbones``; scored ``metrics``."""
    return {name: list(found) for name, found in store.remembered("choices", partial(_choices, store)).items()}


def scored_metrics(store: Store, filters: Filters) -> tuple[str, ...]:
    """The metrics that have a score of some cell that passes the filters, by name."""
    sql = f"""
        SELECT DISTINCT metric FROM batch_scores JOIN {filters.tables} USING (cell)
        WHERE NOT isnan(value) AND {filters.where_scores} ORDER BY metric
    """
    shown = prompts_shown(store, filters)
    return store.remembered(
        ("metrics", filters), lambda: tuple(metric for (metric,) in store.rows(sql, filters.params())), shown
    )


def _choices(store: Store) -> dict[str, list[str]]:
    sql = f"""
        SELECT category, checkpoint, backbone FROM {CELLS} JOIN (SELECT DISTINCT cell FROM images) USING (cell) GROUP BY ALL
    """
    columns = dict(zip(("categories", "checkpoints", "backbones"), zip(*store.rows(sql))))
    metrics = store.rows("SELECT DISTINCT metric FROM batch_scores WHERE NOT isnan(value)")
    found = {name: columns.get(name, ()) for name in ("categories", "checkpoints", "backbones")}
    found["metrics"] = tuple(metric for (metric,) in metrics)
    return {name: sorted({value for value in values if value}) for name, values in found.items()}
