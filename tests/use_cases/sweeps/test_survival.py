"""kill -9 of the app and of the worker at random moments of a sweep: nothing is lost, doubled, or other than undisturbed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from t2ialign.store import ingest_inbox, open_store
from t2ialign.use_cases.results import InboxResults
from t2ialign.use_cases.sweeps.plan import plan_sweep
from t2ialign.use_cases.sweeps.run import run_sweep
from t2ialign.use_cases.sweeps.spec import PromptChoice, SweepSpec
from t2ialign.use_cases.workbench import Workbench, workbench_on
from tests.repeats import times

SPEC = SweepSpec(
    prompts=PromptChoice(texts=("a red circle", "a star")),
    guidance_scales=(1.0, 6.0),
    seeds=8,
    num_inference_steps=2,
    metrics=("oracle_alignment", "factor_diversity", "lpips", "u_rke"),
)
MOMENTS = times(20, 50)
TABLES = {
    "images": "image, cell, seed, sha, mutual_information, mutual_information_released",
    "thumbnails": "*",
    "information_maps": "*",
    "image_scores": "*",
    "batch_scores": "*",
    "seed_sets": "*",
    "cells": "*",
    "benchmark_prompts": "*",
}


def forked(work: Callable[[], object]) -> int:
    """A process of its own that has everything loaded already; whatever it raises is its exit code."""
    process = os.fork()
    if process == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
    return process


def owner(home: Path, seconds: float = 600.0, whole: bool = False) -> None:
    """The app, as far as the store goes: it takes in what the worker leaves, until it is killed."""
    until = time.monotonic() + seconds
    with open_store(home) as store:
        while time.monotonic() < until and not (whole and not any((home / "inbox").glob("*.parquet"))):
            ingest_inbox(store)
            time.sleep(0.02)


def worker(bench: Workbench) -> None:
    for _ in run_sweep(bench, plan_sweep(bench, SPEC)):
        pass


def ended(process: int) -> bool:
    return os.waitpid(process, os.WNOHANG)[0] == process


def kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


def tables(home: Path) -> dict[str, list[tuple]]:
    with open_store(home) as store:
        return {name: sorted(map(repr, store.rows(f"SELECT {what} FROM {name}"))) for name, what in TABLES.items()}


def loaded(home: Path) -> Workbench:
    """A workbench beside the owner, with the model and the scorers in memory for all forks."""
    bench = workbench_on(InboxResults(home))
    entry = bench.registry().backbones["shapes"]
    bench.backbone(entry)
    bench.load(bench.choose(entry.scorers, SPEC.metrics, entry.on_request))
    return bench


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(os.name != "posix", reason="fork is POSIX's")
def test_kills_at_random_moments_change_nothing(tmp_path: Path, new_store: Path):
    whole, broken, chance = tmp_path / "whole", tmp_path / "broken", random.Random(MOMENTS)
    for home in (whole, broken):
        shutil.copytree(new_store, home)
    bench = loaded(whole)
    begun = time.monotonic()
    assert os.waitpid(forked(lambda: worker(bench)), 0)[1] == 0
    longest = time.monotonic() - begun
    owner(whole, whole=True)
    expected = tables(whole)
    assert len(expected["images"]) == 32 and len(expected["cells"]) == 4

    beside = Workbench(
        InboxResults(broken), bench.device, bench.dtype, _backbones=bench._backbones, _encoders=bench._encoders
    )
    app, work = forked(lambda: owner(broken)), forked(lambda: worker(beside))
    victims, kept = ["app", "worker"] * (MOMENTS // 2), 0
    chance.shuffle(victims)
    while victims:
        time.sleep(chance.uniform(0, 4 * longest / MOMENTS))
        if victims[-1] == "app":
            kill(app)
            victims.pop()
            now = count(broken)
            assert now >= kept, "a committed picture was lost"
            kept, app = now, forked(lambda: owner(broken))
        elif not ended(work):
            kill(work)
            victims.pop()
            work = forked(lambda: worker(beside))
        else:  # done: begin again with an empty store, so that every moment is one of a sweep at work
            kill(app)
            owner(broken, whole=True)
            assert tables(broken) == expected
            shutil.rmtree(broken)
            shutil.copytree(new_store, broken)
            kept, app, work = 0, forked(lambda: owner(broken)), forked(lambda: worker(beside))
    assert os.waitpid(work, 0)[1] == 0
    kill(app)
    owner(broken, whole=True)
    assert tables(broken) == expected


def count(home: Path) -> int:
    with open_store(home) as store:
        return store.rows("SELECT count(*) FROM images")[0][0]
