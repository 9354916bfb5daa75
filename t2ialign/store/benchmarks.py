"""Benchmark sets in and out, and the scored prompts that belong to none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import pyarrow as pa

from t2ialign.store.connection import Cursor
from t2ialign.store.database import Store, insert
from t2ialign.store.filters import ALL, CELLS, Filters
from t2ialign.tradeoff.benchmark_set import BenchmarkSet
from t2ialign.types import Prompt, content_key

COLUMNS = ("key", "title", "text", "category", "tags", "seeds")


@dataclass(frozen=True)
class BenchmarkRow:
    """A set in a list: how many prompts it has, and how many configs have scores on some of them."""

    key: str
    title: str
    prompts: int
    configs: int


@dataclass(frozen=True)
class StrayPrompt:
    """A scored prompt with seeds that no set has, and how many configs have it."""

    prompt: Prompt
    seeds: tuple[int, ...]
    configs: int


def add_benchmark(store: Store, found: BenchmarkSet) -> None:
    """Store a set. One whose prompts and seeds are all in another set adds nothing: the chart compares what is shared."""
    with store.transaction() as cursor:
        _insert(cursor, found.key, found.title, found.cells)


def list_benchmarks(store: Store, filters: Filters = ALL) -> list[BenchmarkRow]:
    """All sets, those with most to compare first: configs that pass the filters."""
    compared = prompts_compared(store, ())
    return list(store.remembered(("benchmarks", filters), partial(_list, store, filters), compared))


def prompts_compared(store: Store, benchmarks: Sequence[str]) -> frozenset[str]:
    """The keys of the prompts of these sets (none: of all); a set, once there, stays as it is."""
    sql = "SELECT DISTINCT prompt FROM benchmark_prompts WHERE len($sets::VARCHAR[]) = 0 OR list_contains($sets, benchmark)"

    def ask() -> frozenset[str]:
        return frozenset(prompt for (prompt,) in store.rows(sql, {"sets": list(benchmarks)}))

    return store.remembered(("prompts compared", tuple(benchmarks)), ask, frozenset())


def prompts_shown(store: Store, filters: Filters) -> frozenset[str] | None:
    """The keys of the prompts whose cells can pass the filters, for ``Store.remembered``: those of a set, else any (None)."""
    return prompts_compared(store, filters.benchmarks) if filters.benchmarks else None


def _list(store: Store, filters: Filters) -> list[BenchmarkRow]:
    sql = f"""
        WITH used AS (
            SELECT benchmark, count(DISTINCT configs.rowid) AS configs
            FROM batch_scores JOIN {CELLS} USING (cell) JOIN benchmark_prompts USING (prompt, seed_set)
            WHERE {filters.where} GROUP BY benchmark
        )
        SELECT benchmark, title, count(*), coalesce(any_value(configs), 0) AS configs
        FROM benchmarks JOIN benchmark_prompts USING (benchmark) LEFT JOIN used USING (benchmark)
        GROUP BY benchmark, title, created ORDER BY configs DESC, created, title
    """
    return [BenchmarkRow(*row) for row in store.rows(sql, filters.params())]


def benchmark_size(store: Store, filters: Filters) -> int:
    """How many prompts the filters' sets have, of their categories; 0 for sets that are none."""
    sql = """
        SELECT count(*) FROM benchmark_prompts JOIN prompts USING (prompt)
        WHERE list_contains($benchmarks, benchmark)
            AND (len($categories::VARCHAR[]) = 0 OR list_contains($categories, category))
    """
    params = {"benchmarks": list(filters.benchmarks), "categories": list(filters.categories)}
    question = ("size", filters.benchmarks, filters.categories)
    return store.remembered(question, lambda: int(store.rows(sql, params)[0][0]), prompts_shown(store, filters))


def stray_prompts(store: Store) -> list[StrayPrompt]:
    """Scored prompts whose seeds are in no set, those that most configs have first."""
    sql = """
        SELECT text, any_value(category), any_value(tags), any_value(seeds), count(DISTINCT config) AS configs
        FROM batch_scores JOIN cells USING (cell) JOIN prompts USING (prompt) JOIN seed_sets USING (seed_set)
        ANTI JOIN benchmark_prompts USING (prompt, seed_set)
        WHERE NOT isnan(value) AND n > 1
        GROUP BY text, seed_set ORDER BY configs DESC, text
    """
    return [
        StrayPrompt(Prompt(text, category, tuple(tags or ())), tuple(seeds), configs)
        for text, category, tags, seeds, configs in store.rows(sql)
    ]


def benchmark_table(found: BenchmarkSet) -> pa.Table:
    """A set as a shard for the store's owner (``inbox``)."""
    rows = [
        dict(zip(COLUMNS, (found.key, found.title, prompt.text, prompt.category, list(prompt.tags), list(seeds))))
        for prompt, seeds in found.cells
    ]
    text, many, whole = pa.string(), pa.list_(pa.string()), pa.list_(pa.int64())
    types = (text, text, text, text, many, whole)
    return pa.Table.from_pylist(rows, pa.schema(list(zip(COLUMNS, types))))


def take_benchmark(cursor: Cursor, table: pa.Table) -> None:
    """Store the set of a shard."""
    rows = [tuple(row[name] for name in COLUMNS) for row in table.to_pylist()]
    cells = [(Prompt(text, category, tuple(tags)), tuple(seeds)) for _, _, text, category, tags, seeds in rows]
    for key, title in {row[:2] for row in rows}:
        _insert(cursor, key, title, cells)


def _insert(cursor: Cursor, key: str, title: str, cells: Sequence[tuple[Prompt, tuple[int, ...]]]) -> None:
    rows = [
        {"benchmark": key, "prompt": prompt.key, "seed_set": content_key(list(seeds)), "seeds": list(seeds)}
        for prompt, seeds in cells
    ]
    known: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for benchmark, *cell in cursor.execute("SELECT benchmark, prompt, seed_set FROM benchmark_prompts").fetchall():
        known[benchmark].add(tuple(cell))
    if any(has.issuperset((row["prompt"], row["seed_set"]) for row in rows) for has in known.values()):
        return
    prompts = [
        {"prompt": prompt.key, "text": prompt.text, "category": prompt.category, "tags": list(prompt.tags)}
        for prompt, _ in cells
    ]
    insert(cursor, "prompts", prompts)
    insert(
        cursor, "benchmarks", [{"benchmark": key, "title": title, "created": datetime.now(UTC).replace(tzinfo=None)}]
    )
    insert(cursor, "benchmark_prompts", rows)
