"""A GPU that is lent for a call, with a stand-in for the package that lends it: what runs there, and for how long."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch

from t2ialign import settings, store
from t2ialign.types import GenerationConfig, InputError, Prompt
from t2ialign.use_cases import lent_gpu
from t2ialign.use_cases.align.job import check
from t2ialign.use_cases.align.request import AlignRequest
from t2ialign.use_cases.api import run_request
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import score_batch
from t2ialign.use_cases.results import StoreResults
from t2ialign.use_cases.workbench import Workbench

REQUEST = BatchRequest(Prompt("a red circle"), "base", (0, 1), num_inference_steps=2, metrics=("rmse",))


class Lender:
    """What `spaces` does as far as it is used: asks for a duration, then runs the generator; it says what ran inside."""

    def __init__(self) -> None:
        self.durations: list[int] = []
        self.inside = False

    def GPU(self, task, duration):
        def run(*values):
            self.durations.append(duration(*values))
            events = task(*values)
            while True:
                self.inside = True
                try:
                    event = next(events)
                except StopIteration:
                    return
                finally:
                    self.inside = False
                yield event

        return run


@pytest.fixture
def lender(monkeypatch) -> Lender:
    made = Lender()
    monkeypatch.setattr(settings, "LENT_GPU", True)
    monkeypatch.setitem(sys.modules, "spaces", SimpleNamespace(GPU=made.GPU))
    lent_gpu.borrowing.cache_clear()
    yield made
    lent_gpu.borrowing.cache_clear()


def bench_of(path) -> Workbench:
    return Workbench(StoreResults(store.open_store(path)), "cpu", "float32")


@pytest.mark.slow
def test_sampling_borrows_and_the_store_is_written_outside(lender, tmp_path, monkeypatch):
    bench, wrote = bench_of(tmp_path / "lent"), []
    keep = StoreResults.keep_pictures
    monkeypatch.setattr(StoreResults, "keep_pictures", lambda *values: wrote.append(lender.inside) or keep(*values))
    made = run_request(bench, REQUEST)
    assert lender.durations == [lent_gpu.LEAST] and wrote == [False]
    monkeypatch.setattr(settings, "LENT_GPU", False)
    here = run_request(bench_of(tmp_path / "here"), REQUEST)
    assert all(torch.equal(made.images[seed], here.images[seed]) for seed in REQUEST.seeds)
    assert len(lender.durations) == 1
    again = run_request(bench, REQUEST)
    assert again.from_store and len(lender.durations) == 1, "what is stored borrows nothing"


@pytest.mark.slow
def test_a_cancelled_run_gives_the_gpu_back(lender, tmp_path):
    bench, seen = bench_of(tmp_path), []
    for state in score_batch(bench, REQUEST, lambda: bool(seen)):
        if state.phase == "generating":
            seen.append(state)
    assert len(seen) == 1 and not bench.results.batch(seen[0].config, REQUEST.prompt, REQUEST.seeds).seeds


def test_the_time_asked_for_grows_with_the_work_and_has_an_end():
    def asked(seeds: int, steps: int, side: int = 512) -> int:
        config = GenerationConfig("shapes", height=side, width=side, num_inference_steps=steps)
        return lent_gpu.seconds(None, REQUEST.prompt, config, tuple(range(seeds)), 8, {})

    assert (
        asked(1, 1) == lent_gpu.LEAST and asked(4, 50) == 50 and asked(8, 50) == 100 and asked(64, 100) == lent_gpu.MOST
    )
    assert asked(1, 50, 1024) == asked(4, 50)


def test_training_is_refused_and_a_missing_package_is_named(lender, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="one call at a time, and training needs one for longer"):
        check(bench_of(tmp_path), AlignRequest("diffusion_dpo", "mine"))
    monkeypatch.setitem(sys.modules, "spaces", None)
    with pytest.raises(InputError, match=r"add t2ialign\[space\]"):
        lent_gpu.borrowing()
