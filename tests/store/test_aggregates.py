"""Random stores: what DuckDB adds up beside what ``tradeoff`` makes of the same scores in Python."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from dataclasses import replace

import pytest

from t2ialign.metrics import METRICS
from t2ialign.metrics.u_rke import effective_number
from t2ialign.store import (
    Filters,
    Store,
    add_benchmark,
    cell_scores,
    cells_left_out,
    paired_scores,
    pairs_of,
    scored_comparisons,
    scored_points,
)
from t2ialign.store.aggregates import INVERSE
from t2ialign.store.records import CellRecord, ScoreRecord
from t2ialign.store.writing import insert_records
from t2ialign.tradeoff.arrows import arrows, arrows_of
from t2ialign.tradeoff.benchmark_set import BenchmarkSet
from t2ialign.tradeoff.comparison import PairedScore
from t2ialign.tradeoff.points import tradeoff_points
from t2ialign.types import AdapterUse, GenerationConfig, Interval, Metric, Prompt

NAMES = ("clip_score", "lpips", "u_rke", "factor_diversity", "vendi")
PROMPTS = [Prompt(f"prompt {index}", ("color", "single")[index % 2]) for index in range(6)]
CONFIGS = [
    GenerationConfig("tiny", "r", adapters=adapters, guidance_scale=scale)
    for adapters in ((), (AdapterUse("one"),), (AdapterUse("two"),))
    for scale in (1.0, 4.0)
]
NOWHERE = Interval(0.0, 0.0, 0.0)
LINES = {"one": "base", "two": "one"}


def fill(store: Store, draw: random.Random, shared: bool, versions: tuple[str, ...]) -> list[tuple[int, ...]]:
    """Cells with holes, NaN pictures, several seed sets and versions; returns the largest seed set of each prompt."""
    sets = [tuple(range(4)) if shared else tuple(range(100 * i, 100 * i + 4)) for i in range(len(PROMPTS))]
    records = []
    for config in CONFIGS:
        for prompt, seeds in zip(PROMPTS, sets):
            if draw.random() < 0.15 or config == CONFIGS[1] and prompt != PROMPTS[0]:
                continue  # half complete, and one config of a single prompt
            parts = [seeds, seeds[:3]] if draw.random() < 0.3 else [draw.choice([seeds, seeds, seeds[:2], seeds[:1]])]
            scores = [made(draw, name, draw.choice(versions), part) for part in parts for name in NAMES]
            kept = tuple(score for score in scores if draw.random() > 0.05)
            notes = tuple(note for note in ("odd", "cut short") if draw.random() < 0.3)
            records.append(CellRecord(prompt, config, scores=kept, notes=notes))
    with store.transaction() as cursor:
        insert_records(store.home, cursor, records)
    return sets


def made(draw: random.Random, name: str, version: str, seeds: tuple[int, ...]) -> ScoreRecord:
    metric, n = METRICS[name], len(seeds)
    count = {"image": n, "pair": n * (n + 1) // 2, "batch": 1 + (n if metric.by_seed else 0)}[metric.level]
    values = [draw.choice([draw.random(), 0.5]) for _ in range(count)]
    if metric.level == "image" and draw.random() < 0.3:
        values[0] = math.nan
    known = [value for value in values if not math.isnan(value)]
    mean = sum(known) / len(known) if known else math.nan
    mean = 1 / max(mean, 0.01) if metric.finish else mean
    return ScoreRecord(seeds, name, version, metric.axis, metric.level, tuple(values), mean, mean - 0.1, mean + 0.1)


def close(ours: Interval | None, theirs: Interval | None, metric: Metric) -> bool:
    """To 1e-12, of effective numbers as their inverses: those that are averaged."""
    if ours is None or theirs is None:
        return ours is theirs
    turn = metric.finish or (lambda value: value)
    pairs = [(turn(getattr(ours, end)), turn(getattr(theirs, end))) for end in ("mean", "lo", "hi")]
    return all(a == pytest.approx(b, rel=1e-12, abs=1e-12, nan_ok=True) for a, b in pairs)


def expected(store: Store, x: Metric, y: Metric, filters: Filters):
    """The authority: rows to Python, the usual version of each metric, points."""
    rows = [row for row in cell_scores(store, x.name, y.name, filters) if row.config.checkpoint not in filters.without]
    counts = {m.name: Counter(row.version for row in rows if row.metric == m.name) for m in (x, y)}
    usual = {name: max(found, key=lambda v: (found[v], v), default="") for name, found in counts.items()}
    kept = [row for row in rows if row.version == usual[row.metric]]
    both = {row.cell for row in kept if row.metric == x.name} & {row.cell for row in kept if row.metric == y.name}
    points = tradeoff_points(kept, x, y)
    others = {row.cell for row in kept} - {cell for point in points for cell in point.cells}
    return points, usual, {row.cell for row in rows} - both, others


@pytest.mark.slow
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("versions", [("1",), ("1", "1", "2")])
@pytest.mark.parametrize("seed", range(2))
def test_points_are_those_of_the_pure_functions(store: Store, seed: int, shared: bool, versions: tuple[str, ...]):
    draw = random.Random(seed)
    sets = fill(store, draw, shared, versions)
    some = BenchmarkSet("some", tuple(zip(PROMPTS[:4], sets)))
    add_benchmark(store, some)
    menus = [
        Filters(),
        Filters(benchmarks=(some.key,)),
        Filters(categories=("color",), without=("two",)),
        Filters(checkpoints=("nothing",)),
    ]
    for filters in menus:
        for names in (
            ("clip_score", "lpips"),
            ("clip_score", "u_rke"),
            ("factor_diversity", "vendi"),
            ("lpips", "lpips"),
        ):
            x, y = (METRICS[name] for name in names)
            points, usual, left_out, others = expected(store, x, y, filters)
            found = scored_points(store, x, y, filters)
            assert found.versions == usual
            assert [replace(one, x=NOWHERE, y=NOWHERE) for one in found.points] == [
                replace(one, x=NOWHERE, y=NOWHERE, cells=()) for one in points
            ]
            for a, b in zip(found.points, points):
                assert close(a.x, b.x, x) and close(a.y, b.y, y), (a, b)
            assert found.left_out == len(left_out)
            assert cells_left_out(store, x, y, filters, usual) == tuple(sorted(left_out))
            if x.equal_n or y.equal_n:
                assert found.other_sizes == len(others)


def shared_version(rows: list[PairedScore], versions: dict[str, str]) -> list[PairedScore]:
    """The rows of one version a metric: the one that ``versions`` names, else the last by name."""
    last = {row.metric: row.version for row in sorted(rows, key=lambda row: row.version)}
    return [row for row in rows if row.version == versions.get(row.metric, last[row.metric])]


@pytest.mark.slow
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("versions", [("1",), ("1", "1", "2")])
@pytest.mark.parametrize("seed", range(2))
def test_arrows_are_those_of_the_pure_functions(store: Store, seed: int, shared: bool, versions: tuple[str, ...]):
    sets = fill(store, random.Random(seed), shared, versions)
    some = BenchmarkSet("some", tuple(zip(PROMPTS[:5], sets)))
    add_benchmark(store, some)
    judges = {"two": "clip_score"}
    menus, axes = (Filters(), Filters(benchmarks=(some.key,))), (("clip_score", "lpips"), ("factor_diversity", "u_rke"))
    for filters, names in itertools.product(menus, axes):
        x, y = (METRICS[name] for name in names)
        given = {names[0]: "1"}
        rows = [
            row
            for parent in ("base", "one")
            for row in paired_scores(
                store, [name for name in LINES if LINES[name] == parent], parent, [*names, "clip_score"], filters
            )
            if row.metric in names or row.metric == judges.get(row.policy.checkpoint)
        ]
        theirs = arrows(shared_version(rows, given), x, y, judges, METRICS)
        pairs = [
            replace(pair, judge=judges.get(pair.policy.checkpoint, "")) for pair in pairs_of(store, CONFIGS, LINES)
        ]
        ours = arrows_of(scored_comparisons(store, pairs, METRICS, names, given, filters), x, y, judges)
        assert (theirs or len(versions) > 1) and [one.policy for one in ours] == [one.policy for one in theirs]
        for one, other in zip(ours, theirs):
            assert (one.judged is None) == (other.judged is None)
            for a, b in ((one.x, other.x), (one.y, other.y), *([(one.judged, other.judged)] if one.judged else [])):
                assert (a.policy, a.base, a.metric, a.prompts, a.seeds, a.family) == (
                    b.policy,
                    b.base,
                    b.metric,
                    b.prompts,
                    b.seeds,
                    b.family,
                )
                metric = METRICS[a.metric]
                assert close(a.policy_mean, b.policy_mean, metric) and close(a.base_mean, b.base_mean, metric)
                assert close(a.difference, b.difference, metric) and close(a.win_rate, b.win_rate, metric)
                assert a.p == pytest.approx(b.p, rel=1e-12, abs=1e-12, nan_ok=True)


def test_every_metric_can_be_added_up():
    assert {metric.finish for metric in METRICS.values()} <= set(INVERSE)
    assert effective_number(effective_number(2.0)) == 2.0
