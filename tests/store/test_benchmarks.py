from dataclasses import replace

import pytest
import torch

from t2ialign.store import (
    Filters,
    Mark,
    add_batch,
    add_benchmark,
    add_scores,
    benchmark_size,
    benchmark_table,
    cell_scores,
    ingest_inbox,
    list_benchmarks,
    list_cells,
    marks,
    paired_scores,
    post_shard,
    set_mark,
    stray_prompts,
)
from t2ialign.tradeoff.benchmark_set import benchmark_set
from t2ialign.types import AdapterUse, Prompt

RING, STAR, CROSS = Prompt("a ring", "single"), Prompt("two stars", "pair"), Prompt("a cross", "single")
SET = benchmark_set("two", (RING, STAR), (0, 1))


@pytest.fixture
def score(store, batch_of, score_of):
    """Stores a scored cell."""

    def run(prompt: Prompt, seeds=(0, 1), value: float = 1.0, **config) -> None:
        batch = batch_of(prompt.text, seeds, category=prompt.category, **config)
        add_batch(store, batch)
        add_scores(store, batch, [score_of(name, torch.full((len(seeds),), value)) for name in ("x", "y")])

    return run


@pytest.mark.slow
def test_only_the_sets_prompts_on_its_very_seeds_count(store, score):
    add_benchmark(store, SET)
    score(RING)
    score(RING, range(5), value=9.0)  # more seeds of the same prompt
    score(CROSS)
    score(STAR, (2, 3))
    on = Filters(benchmarks=(SET.key,))
    assert [(row.prompt, row.seeds, row.value.mean) for row in cell_scores(store, "x", "y", on)] == [
        ("a ring", 2, 1.0),
        ("a ring", 2, 1.0),
    ]
    assert {cell.prompt.text for cell in list_cells(store, on)} == {"a ring", "two stars"}
    assert cell_scores(store, "x", "y", Filters(benchmarks=("none",))) == []


@pytest.mark.slow
def test_comparisons_too_are_of_the_set_alone(store, score):
    add_benchmark(store, SET)
    for adapters in ((), (AdapterUse("mine"),)):
        score(RING, adapters=adapters)
        score(RING, range(5), adapters=adapters)
        score(CROSS, adapters=adapters)
    found = paired_scores(store, ["mine"], "base", ["x"], Filters(benchmarks=(SET.key,)))
    assert [(row.prompt, row.seeds) for row in found] == [("a ring", 2)]
    assert len(paired_scores(store, ["mine"], "base", ["x"])) == 2


@pytest.mark.slow
def test_sets_are_listed_by_what_they_can_compare(store, score):
    other = benchmark_set("other", (CROSS, RING), (0, 1, 2))
    for one in (other, SET):
        add_benchmark(store, one)
    score(RING)
    score(RING, guidance_scale=2.0)
    score(CROSS, (0, 1, 2), adapters=(AdapterUse("mine"),))
    rows = list_benchmarks(store)
    assert [(row.title, row.prompts, row.configs) for row in rows] == [("two", 2, 2), ("other", 2, 1)]
    assert [row.title for row in list_benchmarks(store, Filters(checkpoints=("mine",)))] == ["other", "two"]


def test_a_set_within_a_set_adds_nothing(store):
    add_benchmark(store, SET)
    add_benchmark(store, benchmark_set("again", (STAR, RING), (0, 1)))
    add_benchmark(store, benchmark_set("half", (RING,), (0, 1)))
    add_benchmark(store, benchmark_set("other seeds", (RING,), (0, 2)))
    assert [row.title for row in list_benchmarks(store)] == ["two", "other seeds"]


def test_the_size_of_a_set_by_category(store):
    add_benchmark(store, SET)
    assert benchmark_size(store, Filters(benchmarks=(SET.key,))) == 2
    assert benchmark_size(store, Filters(benchmarks=(SET.key,), categories=("pair",))) == 1
    assert benchmark_size(store, Filters()) == 0


@pytest.mark.slow
def test_stray_prompts_are_those_outside_every_set(store, score):
    add_benchmark(store, SET)
    score(RING)
    score(RING, (4, 5, 6))
    score(CROSS)
    score(CROSS, guidance_scale=2.0)
    score(CROSS, (7,))  # a single picture has no diversity
    assert [(one.prompt, one.seeds, one.configs) for one in stray_prompts(store)] == [
        (CROSS, (0, 1), 2),
        (RING, (4, 5, 6), 1),
    ]


def test_another_process_leaves_its_set_in_the_inbox(store):
    post_shard(store.home, "benchmark", benchmark_table(SET), "sweep")
    assert ingest_inbox(store) == 1
    assert [(row.key, row.title, row.prompts) for row in list_benchmarks(store)] == [(SET.key, "two", 2)]
    on = Filters(benchmarks=(SET.key,))
    assert benchmark_size(store, replace(on, categories=("pair",))) == 1
    assert store.rows("SELECT seeds FROM benchmark_prompts") == [([0, 1],), ([0, 1],)]


def test_marks_are_kept_by_checkpoint(store):
    assert marks(store) == {}
    set_mark(store, "mine", Mark(True, False, "  good  "))
    set_mark(store, "other", Mark(hidden=True))
    set_mark(store, "mine", Mark(False, False, "x" * 900))
    assert marks(store) == {"mine": Mark(note="x" * 500), "other": Mark(hidden=True)}
