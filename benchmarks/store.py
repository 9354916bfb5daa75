"""The store at 10^4, 10^5 and 10^6 pictures: the chart's queries beside SQLite and pandas, on the same rows in one run.

    python -m benchmarks.store             # all three sizes: about six minutes
    python -m benchmarks.store --quick     # 10^4 and 10^5: under a minute

Times are CPU milliseconds of this process, all threads together and the least of some runs, so that a busy machine changes
little; DuckDB works on all cores, so that about half of ours passes on an idle machine with two. "Points" are means with
clustered intervals of two metrics over prompts (every prompt has seeds of its own, or all share theirs); "arrows" are paired
differences and win rates of every checkpoint against the base. "Python before" is what the page did until now: rows to Python
objects, added up there. SQLite has the same tables with indexes and adds the points up in SQL; pandas holds them in memory.
Each side's points are compared with ours.
"""

from __future__ import annotations

import argparse
import math
import platform
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.synthetic_store import SIZES, X, Y, of_size, tables, write
from t2ialign.charts.drawn import drawn_figure
from t2ialign.metrics import METRICS
from t2ialign.store import (
    Filters,
    Store,
    add_benchmark,
    cell_scores,
    choices,
    list_benchmarks,
    open_store,
    paired_scores,
    pairs_of,
    scored_comparisons,
    scored_points,
)
from t2ialign.tradeoff.comparison import comparisons
from t2ialign.tradeoff.points import tradeoff_points
from t2ialign.tradeoff.training_dials import TrainingDoses
from t2ialign.use_cases.reports.chart_query import ChartQuery
from t2ialign.use_cases.reports.more_charts import more_chart

HEAD = ("what", "pictures", "ours, ms", "Python before", "SQLite", "pandas", "SQLite / ours", "pandas / ours")
CHARTS = ("edge", "volume", "strength", "cfg", "checkpoints", "prompts")  # those that two metrics make
Times = dict[str, float]


def clock(run: Callable[[], Any], repeats: int = 5) -> tuple[float, Any]:
    """Least CPU milliseconds of some runs, and the last answer."""
    times, found = [], None
    for _ in range(repeats):
        begun = time.process_time()
        found = run()
        times.append(1000 * (time.process_time() - begun))
    return min(times), found


def afresh(store: Store, run: Callable[[], Any]) -> Callable[[], Any]:
    """The question without what the store remembers of its last answer."""

    def asked() -> Any:
        store._memory.forget()
        return run()

    return asked


def flat(rows: dict[str, pa.Table]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of cells, and of each the effects of its seeds, as frames of numbers and short texts."""
    cells = rows["cells"].to_pandas()
    scores = rows["batch_scores"].select(["cell", "seed_set", "metric", "version", "value", "lo", "hi"]).to_pandas()
    scores["metric"] = scores.metric.astype(str)
    scores = scores.merge(cells, on="cell")
    n = len(rows["batch_scores"]["effects"][0])
    seeds = dict(zip(rows["seed_sets"]["seed_set"].to_pylist(), rows["seed_sets"]["seeds"].to_pylist()))
    effects = pd.DataFrame(
        {
            "config": np.repeat(scores.config.to_numpy(), n),
            "metric": np.repeat(scores.metric.to_numpy(), n),
            "seed": np.concatenate([seeds[one] for one in scores.seed_set]),
            "effect": rows["batch_scores"]["effects"].combine_chunks().flatten().to_numpy() / math.sqrt(n * (n - 1)),
        }
    )
    return scores, effects


def sqlite_of(folder: Path, scores: pd.DataFrame, effects: pd.DataFrame) -> tuple[float, sqlite3.Connection]:
    """The same rows in SQLite; milliseconds of the insert with its indexes."""
    database = sqlite3.connect(folder / "peer.sqlite")
    one, two = list(scores.itertuples(index=False, name=None)), list(effects.itertuples(index=False, name=None))
    begun = time.process_time()
    database.execute(
        f"CREATE TABLE scores ({', '.join(scores.columns)}, PRIMARY KEY (cell, seed_set, metric, version))"
    )
    database.execute(f"CREATE TABLE effects ({', '.join(effects.columns)})")
    database.executemany(f"INSERT INTO scores VALUES ({','.join('?' * len(scores.columns))})", one)
    database.executemany("INSERT INTO effects VALUES (?, ?, ?, ?)", two)
    database.execute("CREATE INDEX by_place ON effects (config, metric, seed, effect)")
    scores[["prompt", "seed_set"]].drop_duplicates().to_sql("asked", database, index=False)
    database.commit()
    return 1000 * (time.process_time() - begun), database


SQLITE_MEANS = f"""
    SELECT x.config, count(*), avg(x.value), avg(y.value),
        (sum(x.value * x.value) - count(*) * avg(x.value) * avg(x.value)) / (count(*) - 1),
        (sum(y.value * y.value) - count(*) * avg(y.value) * avg(y.value)) / (count(*) - 1)
    FROM scores x JOIN scores y USING (cell, seed_set) JOIN asked ON asked.prompt = x.prompt AND asked.seed_set = x.seed_set
    WHERE x.metric = '{X}' AND y.metric = '{Y}' GROUP BY x.config
"""
SQLITE_SHARED = """
    SELECT config, metric, sum(total * total - squares) FROM (
        SELECT config, metric, seed, sum(effect) AS total, sum(effect * effect) AS squares
        FROM effects GROUP BY config, metric, seed HAVING count(*) > 1
    ) GROUP BY config, metric
"""


def sqlite_points(database: sqlite3.Connection) -> dict[tuple[str, str], float]:
    """Mean of each config and metric; the covariances are summed too."""
    database.execute(SQLITE_SHARED).fetchall()
    rows = database.execute(SQLITE_MEANS).fetchall()
    return {(config, name): mean for config, _, x, y, *_ in rows for name, mean in ((X, x), (Y, y))}


def pandas_points(scores: pd.DataFrame, effects: pd.DataFrame, asked: pd.DataFrame) -> dict[tuple[str, str], float]:
    mine = scores.merge(asked, on=["prompt", "seed_set"])
    both = mine.groupby(["cell", "seed_set"]).metric.transform("count") == 2
    found = mine[both].groupby(["config", "metric"]).value.agg(["count", "mean", "var"])
    squared = effects.assign(square=effects.effect**2)
    seeds = squared.groupby(["config", "metric", "seed"]).agg(
        total=("effect", "sum"), squares=("square", "sum"), count=("effect", "count")
    )
    seeds = seeds[seeds["count"] > 1]
    (seeds.total**2 - seeds.squares).groupby(["config", "metric"]).sum()
    return found["mean"].to_dict()


def row(what: str, pictures: int, times: Times) -> None:
    """One line of the table, printed as it is known."""
    ours = times["ours"]
    shown = [f"{times[name]:.0f}" if name in times else "-" for name in ("before", "sqlite", "pandas")]
    ratios = [f"**{times[name] / ours:.1f}x**" if name in times else "-" for name in ("sqlite", "pandas")]
    print("|", " | ".join([what, f"{pictures:,}", f"{ours:.0f}", *shown, *ratios]), "|", flush=True)


def measure(pictures: int, own_seeds: bool, folder: Path) -> None:
    """All rows of one size."""
    layout = of_size(pictures, own_seeds)
    rows, store = tables(layout), open_store(folder / "home")
    with store:
        scored = {name: rows[name] for name in ("prompts", "configs", "cells", "seed_sets", "batch_scores")}
        took, _ = clock(lambda: write(store, scored), 1)
        write(store, {name: table for name, table in rows.items() if name not in scored})
        add_benchmark(store, layout.benchmark)
        scores, effects = flat(rows)
        filled, database = sqlite_of(folder, scores, effects)
        kept, _ = clock(lambda: (scores.to_parquet(folder / "a"), effects.to_parquet(folder / "b")), 1)
        word = "own seeds" if own_seeds else "shared seeds"
        if own_seeds:
            row("ingest of scores", pictures, {"ours": took, "sqlite": filled, "pandas": kept})
        queries(store, database, scores, effects, word, pictures)
        database.close()


def queries(
    store: Store, database: sqlite3.Connection, scores: pd.DataFrame, effects: pd.DataFrame, word: str, pictures: int
) -> None:
    x, y, few = METRICS[X], METRICS[Y], 1 if pictures > 100_000 else 3
    filters = Filters(benchmarks=(list_benchmarks(store)[0].key,))
    ours, found = clock(afresh(store, lambda: scored_points(store, x, y, filters)))
    before, old = clock(lambda: tradeoff_points(cell_scores(store, X, Y, filters), x, y), 1)
    asked = scores[["prompt", "seed_set"]].drop_duplicates()
    lite, means = clock(lambda: sqlite_points(database), few)
    frame, framed = clock(lambda: pandas_points(scores, effects, asked), few)
    for point, known in zip(found.points, old, strict=True):
        assert abs(point.x.lo - known.x.lo) < 1e-12 and abs(point.y.hi - known.y.hi) < 1e-12
        assert abs(point.x.mean - means[point.config.key, X]) < 1e-9 > abs(point.y.mean - framed[point.config.key, Y])
    row(f"points, {word}", pictures, {"ours": ours, "before": before, "sqlite": lite, "pandas": frame})
    names = {point.config.checkpoint: "base" for point in found.points if point.config.adapters}
    pairs = pairs_of(store, [point.config for point in found.points], names)
    ours, made = clock(
        afresh(store, lambda: scored_comparisons(store, pairs, METRICS, (X, Y), found.versions, filters))
    )
    rows = clock(lambda: list(comparisons(paired_scores(store, list(names), "base", (X, Y), filters), METRICS)), 1)
    assert len(made) == len(rows[1])
    row(f"arrows, {word}", pictures, {"ours": ours, "before": rows[0]})
    one = Filters(benchmarks=filters.benchmarks, configs=(found.points[-1].config.key,))
    row(f"cells of one point, {word}", pictures, {"ours": clock(lambda: cell_scores(store, X, Y, one))[0]})
    row(f"menus, {word}", pictures, {"ours": clock(afresh(store, lambda: (choices(store), list_benchmarks(store))))[0]})
    charts(store, filters, word, pictures)
    row(f"points asked again, {word}", pictures, {"ours": clock(lambda: scored_points(store, x, y, filters))[0]})


def charts(store: Store, filters: Filters, word: str, pictures: int) -> None:
    """The charts beside the chart, from the store to their numbers, each with the kilobytes that a page gets of it."""
    query = ChartQuery(store, METRICS[X], METRICS[Y], filters, lambda metric: "", runs=runs_of(store))
    more_chart(query, "edge")  # the resamples of so many prompts are drawn once a process
    for kind in CHARTS:
        ours, found = clock(afresh(store, lambda kind=kind: more_chart(query, kind)))
        assert found.drawn is not None
        kilobytes = len(drawn_figure(found.drawn).to_json()) / 1000
        row(f"{found.title} ({kilobytes:.0f} kB), {word}", pictures, {"ours": ours})


def runs_of(store: Store) -> dict[str, TrainingDoses]:
    """What the checkpoints would say of their training: runs of four doses each, so that there are planes of steps too."""
    names = [name for name in choices(store)["checkpoints"] if name != "base"]
    return {name: TrainingDoses(f"run {index // 4}", 50 * (1 + index % 4)) for index, name in enumerate(names)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    sizes = [size for size in SIZES if size < 1_000_000 or not parser.parse_args().quick]
    print(
        f"{platform.machine()}, duckdb {duckdb.__version__}, sqlite {sqlite3.sqlite_version}, pandas {pd.__version__}\n"
    )
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}")
    for own in (True, False):
        for size in sizes:
            with tempfile.TemporaryDirectory() as scratch:
                measure(size, own, Path(scratch))
