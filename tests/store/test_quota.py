"""Pictures make room: the longest unused go, what somebody needs stays, and what is gone is drawn again the same."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import torch

from t2ialign.store import add_batch, add_benchmark, load_batch, missing_seeds, open_store, set_run_mark
from t2ialign.store.images import path_of, read
from t2ialign.store.marks import RunMark
from t2ialign.store.quota import evict
from t2ialign.store.runs import add_run
from t2ialign.tradeoff.benchmark_set import benchmark_set
from t2ialign.types import GenerationConfig, Prompt, SeedBatch

CONFIG = GenerationConfig("shapes", "1")


def noise(prompt: str, seeds: range) -> SeedBatch:
    """Pictures too large to be their own thumbnails."""
    draw = torch.Generator().manual_seed(len(prompt))
    images = torch.randint(0, 256, (len(seeds), 3, 160, 160), generator=draw, dtype=torch.uint8)
    return SeedBatch(Prompt(prompt), CONFIG, tuple(seeds), images, torch.ones(len(seeds)), torch.ones(len(seeds)))


@pytest.fixture
def filled(tmp_path: Path):
    """Four prompts with two pictures each, looked at on four days; the oldest is in a starred run, the next in a set."""
    with open_store(tmp_path / "home") as store:
        for days, name in enumerate(("d", "c c", "b b b", "a a a a")):
            batch = noise(name, range(2))
            add_batch(store, batch)
            for (sha,) in store.rows("SELECT sha FROM images WHERE cell = ?", [batch.cell]):
                os.utime(path_of(store.home, sha), (0, time.time() - (9 + days) * 86400))
        run = add_run(store, Prompt("a a a a"), [CONFIG], [0, 1])
        set_run_mark(store, run.id, RunMark(starred=True))
        add_benchmark(store, benchmark_set("one", (Prompt("b b b"),), (0, 1)))
        yield store


def left(store) -> set[str]:
    sql = "SELECT text, sha FROM images JOIN cells USING (cell) JOIN prompts USING (prompt)"
    return {text for text, sha in store.rows(sql) if path_of(store.home, sha).exists()}


@pytest.mark.slow
def test_enough_room_costs_nothing(filled):
    found = evict(filled, 10**9)
    assert found.files == 0 and found.left > 8 * 50_000 and len(left(filled)) == 4


@pytest.mark.slow
def test_the_longest_unused_goes_and_what_is_needed_stays(filled):
    total = evict(filled, 10**9).left
    found = evict(filled, int(total * 0.9))
    assert left(filled) == {"a a a a", "b b b", "d"} and found.files == 2
    assert found.left == total - found.freed <= total * 0.9
    evict(filled, 1)
    assert left(filled) == {"a a a a", "b b b"}, "a bound that cannot be kept takes nothing that is needed"


@pytest.mark.slow
def test_looking_at_a_picture_keeps_it(filled):
    sha = filled.rows("SELECT sha FROM images JOIN cells USING (cell) JOIN prompts USING (prompt) WHERE text = 'c c'")
    for (one,) in sha:
        assert read(filled.home, one)
    total = evict(filled, 10**9).left
    evict(filled, int(total * 0.9))
    assert "c c" in left(filled) and "d" not in left(filled)


@pytest.mark.slow
def test_what_went_is_missing_and_comes_back_the_same(filled):
    evict(filled, 1)
    batch = noise("c c", range(2))
    assert missing_seeds(filled, CONFIG, batch.prompt, [0, 1]) == (0, 1)
    add_batch(filled, batch)
    assert torch.equal(load_batch(filled, CONFIG, batch.prompt, [0, 1]).images, batch.images)
