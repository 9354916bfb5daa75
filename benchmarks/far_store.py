"""Ten million scored pictures: the chart's queries on the store, on its tables as Parquet in a folder, and in a bucket.

    python -m benchmarks.far_store make HOME               # 50 checkpoints x 20 CFG x 625 prompts x 16 seeds; --small: a tenth
    python -m benchmarks.far_store ask HOME
    python -m t2ialign store export TABLES --store HOME && python -m benchmarks.far_store ask TABLES
    python -m benchmarks.far_store ask s3://bucket/tables  # what fsspec opens; AWS_ENDPOINT_URL names one's own server

Nothing in such a store was ever sampled (``synthetic_store``). Times are milliseconds of the wall and of CPU, all threads
together, of the first question and the least of two more; each is asked without what the store remembers. Memory is the
most that the process ever held.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.synthetic_store import Layout, X, Y, make, of_size
from t2ialign.charts.tradeoff import tradeoff_figure
from t2ialign.metrics import METRICS
from t2ialign.store import (
    Filters,
    Store,
    benchmark_size,
    cell_scores,
    choices,
    list_benchmarks,
    open_store,
    pairs_of,
    scored_comparisons,
    scored_points,
)
from t2ialign.store.cell_values import cell_values
from t2ialign.store.database import FILE
from t2ialign.store.tables import open_tables
from t2ialign.tradeoff.arrows import arrows_of

WHOLE = Layout(50, 20, 625)


def clock(store: Store, what: str, run: Callable[[], Any], repeats: int = 3) -> Any:
    """Prints a line of the table; returns the last answer."""
    walls, works, found = [], [], None
    for _ in range(repeats):
        store._memory.forget()
        wall, work = time.perf_counter(), time.process_time()
        found = run()
        walls.append(1000 * (time.perf_counter() - wall))
        works.append(1000 * (time.process_time() - work))
    again = f"{min(walls[1:]):,.0f} | {min(works[1:]):,.0f}" if repeats > 1 else "- | -"
    print(f"| {what} | {walls[0]:,.0f} | {works[0]:,.0f} | {again} |", flush=True)
    return found


def ask(store: Store) -> None:
    """All questions of the chart."""
    x, y = METRICS[X], METRICS[Y]
    filters = Filters(benchmarks=(list_benchmarks(store)[0].key,))
    print("| what | first, wall ms | CPU ms | again, wall ms | CPU ms |\n|---|---|---|---|---|")
    clock(store, "menus", lambda: (choices(store), list_benchmarks(store)))
    found = clock(store, "points", lambda: scored_points(store, x, y, filters))
    names = {point.config.checkpoint: "base" for point in found.points if point.config.adapters}
    pairs = clock(store, "pairs", lambda: pairs_of(store, [point.config for point in found.points], names))
    made = clock(store, "arrows", lambda: scored_comparisons(store, pairs, METRICS, (X, Y), found.versions, filters))
    one = Filters(benchmarks=filters.benchmarks, configs=(found.points[-1].config.key,))
    clock(store, "cells of one point", lambda: cell_scores(store, X, Y, one))
    few = Filters(benchmarks=filters.benchmarks, categories=("color",))
    clock(store, "points of a category", lambda: scored_points(store, x, y, few))
    clock(store, "every cell's values (bands, slopes, ranks)", lambda: cell_values(store, (x, y), filters), 1)
    arrows = arrows_of(made, x, y, {})
    drawn = clock(
        store,
        f"figure of {len(found.points)} points and {len(arrows)} arrows",
        lambda: tradeoff_figure(found.points, x, y, arrows=arrows, whole=benchmark_size(store, filters)).to_json(),
        1,
    )
    print(f"\nfigure as JSON: {len(drawn) / 1000:,.0f} kB", end="; ")


def most_memory() -> float:
    """GB that this process held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main(what: str, place: str, small: bool) -> None:
    print(f"duckdb {duckdb.__version__}, {place}\n")
    begun, worked = time.perf_counter(), time.process_time()
    if what == "make":
        layout = of_size(1_000_000) if small else WHOLE
        with make(Path(place), layout):
            print(f"{layout.pictures:,} pictures, {time.perf_counter() - begun:.0f} s of wall", end=", ")
        print(
            f"{time.process_time() - worked:.0f} s of CPU; {(Path(place) / FILE).stat().st_size / 1e9:.2f} GB", end="; "
        )
    else:
        with open_store(Path(place)) if (Path(place) / FILE).is_file() else open_tables(place) as store:
            print(f"opened in {1000 * (time.perf_counter() - begun):,.0f} ms\n")
            ask(store)
    print(f"memory at most {most_memory():.1f} GB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("make", "ask"))
    parser.add_argument("place")
    parser.add_argument("--small", action="store_true", help="10^6 pictures")
    asked = parser.parse_args()
    main(asked.what, asked.place, asked.small)
