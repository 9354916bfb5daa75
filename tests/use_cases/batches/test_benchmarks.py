"""The shipped sets, the sets that sweeps make, and stray prompts that become one."""

import pytest
import torch

from t2ialign import store
from t2ialign.seeds import designed_seeds
from t2ialign.tradeoff.benchmark_set import benchmark_set
from t2ialign.types import GenerationConfig, Prompt, Score, SeedBatch
from t2ialign.use_cases.batches import benchmarks, prompt_sets
from t2ialign.use_cases.results import InboxResults, StoreResults


def test_the_shipped_sets_are_of_shipped_prompts():
    found = {one.title: one for one in benchmarks.shipped()}
    shapes = found["24 test prompts of coloured shapes, 8 seeds each"]
    assert {prompt for prompt, _ in shapes.cells} == set(prompt_sets.load("shapes-test"))
    assert all(seeds == designed_seeds(prompt, 8) for prompt, seeds in shapes.cells)


@pytest.mark.slow
def test_they_are_kept_once(tmp_path):
    with store.open_store(tmp_path) as opened:
        benchmarks.keep_shipped(opened)
        before = store.list_benchmarks(opened)
        benchmarks.keep_shipped(opened)
        assert store.list_benchmarks(opened) == before and len(before) == len(benchmarks.shipped())


def test_a_sweep_leaves_its_set_whoever_owns_the_store(tmp_path):
    prompts = (Prompt("a ring"), Prompt("a star"))
    with store.open_store(tmp_path / "home") as opened:
        StoreResults(opened).keep_benchmark(benchmark_set("mine, seeds 0-2", prompts, (0, 1, 2)))
        InboxResults(opened.home).keep_benchmark(benchmark_set("mine, 4 seeds each", prompts, 4))
        store.ingest_inbox(opened)
        assert {row.title for row in store.list_benchmarks(opened)} == {"mine, seeds 0-2", "mine, 4 seeds each"}


def scored(opened: store.Store, text: str, seeds: tuple[int, ...]) -> None:
    pixels, unknown = torch.zeros(len(seeds), 3, 8, 8, dtype=torch.uint8), torch.full((len(seeds),), float("nan"))
    batch = SeedBatch(Prompt(text), GenerationConfig("tiny", height=8, width=8), seeds, pixels, unknown, unknown)
    store.add_batch(opened, batch)
    values = torch.ones(len(seeds))
    store.add_scores(opened, batch, [Score("x", "1", "alignment", "image", values, 1.0, 0.5, 1.5)])


@pytest.mark.slow
def test_stray_prompts_are_grouped_by_their_plan_of_seeds(tmp_path):
    with store.open_store(tmp_path) as opened:
        for text in ("a ring", "a star", "a cross"):
            scored(opened, text, (0, 1))
        for text in ("two rings", "two stars"):
            scored(opened, text, designed_seeds(Prompt(text), 3))
        assert [(group.seeds, len(group.prompts)) for group in benchmarks.stray_groups(opened)] == [
            ("0, 1", 3),
            ("own:3", 2),
        ]
        made = benchmarks.make_set(opened, "own:3", "Mine")
        assert (made.title, len(made.cells)) == ("Mine", 2)
        assert [group.seeds for group in benchmarks.stray_groups(opened)] == ["0, 1"]
        assert benchmarks.make_set(opened, "0, 1").title == "3 prompts, seeds 0, 1"
