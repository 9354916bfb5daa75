"""Values of many metrics on a benchmark set as arrays: as numbers out of DuckDB, never as rows of Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from jaxtyping import Int

from t2ialign.store.benchmarks import prompts_shown
from t2ialign.store.connection import Cursor
from t2ialign.store.database import Store
from t2ialign.store.filters import CELLS, Filters
from t2ialign.store.records import config_of
from t2ialign.tradeoff.cell_values import CellValues
from t2ialign.types import GenerationConfig, InputError, Metric

SCORED = f"""
    FROM batch_scores JOIN ({CELLS}) USING (cell)
    WHERE NOT isnan(value) AND list_contains($metrics, metric) AND {{where}}
"""
VALUES = """
    SELECT configs.rowid AS place, prompts.rowid AS prompt, list_position($metrics, metric) - 1 AS metric, value {scored}
"""
STORED = "SELECT DISTINCT metric, version FROM batch_scores WHERE list_contains($metrics, metric)"
CONFIGS = """
    SELECT rowid, record FROM configs WHERE rowid IN (SELECT unnest($rows))
    ORDER BY checkpoint, guidance_scale, record
"""
TEXTS = "SELECT rowid, text FROM prompts WHERE rowid IN (SELECT unnest($rows))"
SHARED = """
    SELECT count(*) > count(DISTINCT seed) FROM (
        SELECT unnest(seeds) AS seed FROM benchmark_prompts WHERE list_contains($benchmarks, benchmark)
    )
"""


def cell_values(
    store: Store,
    metrics: Sequence[Metric],
    filters: Filters,
    today: Callable[[Metric], str] = lambda metric: "",
    configs: tuple[str, ...] = (),
) -> CellValues:
    """What the metrics say of the cells of one benchmark set, on exactly its seeds; configs by checkpoint and CFG.

    Of several versions of a metric the one of most cells counts; of equals, the one that ``today`` names, else the later name.
    ``configs``: keys of those that are wanted (none: all); which version counts is asked of all.

    Raises:
        InputError: filters that name no single set, on whose cells alone metrics can be set beside each other.
    """
    _check(filters)
    question = ("cell values", tuple(metric.name for metric in metrics), filters, tuple(map(today, metrics)), configs)
    answer = partial(_cell_values, store, metrics, filters, today, configs)
    return store.remembered(question, answer, prompts_shown(store, filters))


def scored_configs(
    store: Store, metrics: Sequence[Metric], filters: Filters, checkpoint: str
) -> tuple[GenerationConfig, ...]:
    """A checkpoint's configs of which ``cell_values`` has something, by CFG."""
    _check(filters)
    sql = f"""
        SELECT record FROM configs WHERE checkpoint = $checkpoint AND config IN (
            SELECT configs.config {SCORED.format(where=filters.where_scores)} AND configs.checkpoint = $checkpoint
        ) ORDER BY guidance_scale, record
    """
    params = filters.params() | {"metrics": [metric.name for metric in metrics], "checkpoint": checkpoint}
    return tuple(config_of(record) for (record,) in store.rows(sql, params))


def _check(filters: Filters) -> None:
    if len(filters.benchmarks) != 1:
        raise InputError("Metrics are set beside each other on the cells of one benchmark set: choose one.")


def _cell_values(
    store: Store,
    metrics: Sequence[Metric],
    filters: Filters,
    today: Callable[[Metric], str],
    configs: tuple[str, ...],
) -> CellValues:
    """Only numbers leave the scores' table: texts are read once a config and once a prompt."""
    scored = SCORED.format(where=filters.where_scores)
    params: dict[str, list[str]] = filters.params() | {"metrics": [metric.name for metric in metrics]}
    with store.snapshot() as cursor:
        sql = VALUES.format(scored=scored)
        if chosen := _chosen(cursor, scored, params, metrics, today):
            sql, params = sql + " AND list_contains($versions, metric || ' ' || version)", params | {"versions": chosen}
        if configs:
            sql, params = sql + " AND list_contains($wanted, configs.config)", params | {"wanted": list(configs)}
        found = cursor.execute(sql, params).fetchnumpy()
        places, prompts, metric, value = (np.asarray(found[name]) for name in ("place", "prompt", "metric", "value"))
        rows = cursor.execute(CONFIGS, {"rows": np.unique(places).tolist()}).fetchall()
        texts = dict(cursor.execute(TEXTS, {"rows": np.unique(prompts).tolist()}).fetchall())
        ((shared,),) = cursor.execute(SHARED, {"benchmarks": list(filters.benchmarks)}).fetchall()
    line = _looked_up(places, [row for row, _ in rows])
    shown, columns = _columns(prompts, line, texts)
    values = np.full((len(metrics), len(rows), len(shown)), np.nan)
    values[metric, line, columns] = value
    return CellValues(tuple(metrics), tuple(config_of(record) for _, record in rows), shown, values, bool(shared))


def _looked_up(rows: Int[np.ndarray, " v"], order: Sequence[int]) -> Int[np.ndarray, " v"]:
    """Where each row's number stands in an order of them all."""
    places = np.zeros(max(order, default=-1) + 1, dtype=int)
    places[list(order)] = np.arange(len(order))
    found: Int[np.ndarray, " v"] = places[rows]
    return found


def _columns(
    prompts: Int[np.ndarray, " v"], line: Int[np.ndarray, " v"], texts: Mapping[int, str]
) -> tuple[tuple[str, ...], Int[np.ndarray, " v"]]:
    """The prompts' texts by the first config that has them, then by name; and the column of each value."""
    first = np.full(max(texts, default=-1) + 1, len(line))
    np.minimum.at(first, prompts, line)
    order = sorted(texts, key=lambda prompt: (first[prompt], texts[prompt]))
    shown = tuple(dict.fromkeys(texts[prompt] for prompt in order))
    column = {text: place for place, text in enumerate(shown)}
    of_row = np.zeros(len(first), dtype=int)
    of_row[order] = [column[texts[prompt]] for prompt in order]
    return shown, of_row[prompts]


def _chosen(
    cursor: Cursor,
    scored: str,
    params: dict[str, list[str]],
    metrics: Sequence[Metric],
    today: Callable[[Metric], str],
) -> list[str]:
    """The metrics with the version of each that counts; none where the store knows one version of each: all count then."""
    stored = cursor.execute(STORED, {"metrics": params["metrics"]}).fetchall()
    if len(stored) == len({metric for metric, _ in stored}):
        return []
    found = _versions(cursor, scored, params, metrics, today)
    return [f"{name} {version}" for name, version in found.items()]


def _versions(
    cursor: Cursor,
    scored: str,
    params: dict[str, list[str]],
    metrics: Sequence[Metric],
    today: Callable[[Metric], str],
) -> dict[str, str]:
    """The version of each metric that counts."""
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    sql = f"SELECT metric, version, count(*) {scored} GROUP BY ALL"
    for metric, version, cells in cursor.execute(sql, params).fetchall():
        counts[metric][version] = cells
    found = {}
    for metric in metrics:
        known = counts.get(metric.name, {})
        now = today(metric) if len(known) > 1 else ""
        if known:
            found[metric.name] = max(known, key=lambda one: (known[one], one == now, one))
    return found
