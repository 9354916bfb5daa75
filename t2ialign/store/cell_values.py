"""Values of many metrics on a benchmark set as arrays: 60,000 of them take a tenth of a second."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from t2ialign.store.benchmarks import prompts_shown
from t2ialign.store.connection import Cursor
from t2ialign.store.database import Store
from t2ialign.store.filters import Filters
from t2ialign.store.records import config_of
from t2ialign.tradeoff.cell_values import CellValues
from t2ialign.types import InputError, Metric

SCORED = """
    FROM batch_scores JOIN {tables} USING (cell)
    WHERE NOT isnan(value) AND list_contains($metrics, metric) AND {where}
"""
SHARED = """
    SELECT count(*) > count(DISTINCT seed) FROM (
        SELECT unnest(seeds) AS seed FROM benchmark_prompts WHERE list_contains($benchmarks, benchmark)
    )
"""


def cell_values(
    store: Store, metrics: Sequence[Metric], filters: Filters, today: Callable[[Metric], str] = lambda metric: ""
) -> CellValues:
    """What the metrics say of the cells of one benchmark set, on exactly its seeds; configs by checkpoint and CFG.

    Of several versions of a metric the one of most cells counts; of equals, the one that ``today`` names, else the later name.

    Raises:
        InputError: filters that name no single set, on whose cells alone metrics can be set beside each other.
    """
    if len(filters.benchmarks) != 1:
        raise InputError("Metrics are set beside each other on the cells of one benchmark set: choose one.")
    names = [metric.name for metric in metrics]
    question = ("cell values", tuple(names), filters, tuple(today(metric) for metric in metrics))
    answer = partial(_cell_values, store, metrics, filters, today)
    return store.remembered(question, answer, prompts_shown(store, filters))


def _cell_values(
    store: Store, metrics: Sequence[Metric], filters: Filters, today: Callable[[Metric], str]
) -> CellValues:
    tables = filters.tables if "prompts" in filters.tables else f"{filters.tables} JOIN prompts USING (prompt)"
    scored = SCORED.format(tables=tables, where=filters.where_scores)
    params = filters.params() | {"metrics": [metric.name for metric in metrics]}
    with store.snapshot() as cursor:
        versions = _versions(cursor, scored, params, metrics, today)
        sql = f"""
            SELECT configs.record, prompts.text, list_position($metrics, metric) - 1, value {scored}
                AND list_contains($versions, metric || ' ' || version)
            ORDER BY checkpoint, guidance_scale, record, text
        """
        wanted = [f"{name} {version}" for name, version in versions.items()]
        rows = cursor.execute(sql, params | {"versions": wanted}).fetchall()
        ((shared,),) = cursor.execute(SHARED, {"benchmarks": list(filters.benchmarks)}).fetchall()
    records, texts = (list(dict.fromkeys(row[part] for row in rows)) for part in (0, 1))
    places = {record: place for place, record in enumerate(records)}
    columns = {text: column for column, text in enumerate(texts)}
    values = np.full((len(metrics), len(records), len(texts)), np.nan)
    for record, text, metric, value in rows:
        values[metric, places[record], columns[text]] = value
    return CellValues(tuple(metrics), tuple(map(config_of, records)), tuple(texts), values, bool(shared))


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
