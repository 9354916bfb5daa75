"""A sweep on a cluster: bit for bit the sweep of one machine, whoever is lost on the way."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from t2ialign import settings
from t2ialign.store import open_store
from t2ialign.store.upkeep import read_tables, write_tables
from t2ialign.types import InputError
from t2ialign.use_cases.results import StoreResults
from t2ialign.use_cases.sweeps import remote
from t2ialign.use_cases.sweeps.plan import plan_sweep
from t2ialign.use_cases.sweeps.remote import Cluster, collect, run_remote
from t2ialign.use_cases.sweeps.run import run_sweep
from t2ialign.use_cases.sweeps.spec import PromptChoice, SweepSpec
from t2ialign.use_cases.workbench import Workbench, workbench_on
from tests.repeats import times
from tests.use_cases.sweeps.test_survival import TABLES

SPEC = SweepSpec(
    prompts=PromptChoice(texts=("a red circle", "a star")),
    guidance_scales=(1.0, 6.0),
    seeds=2,
    num_inference_steps=1,
    metrics=("oracle_alignment", "factor_diversity", "lpips"),
)
KILLS = times(4, 50)  # of actors, at random moments


def bench_in(home: Path):
    opened = open_store(home)
    return opened, workbench_on(StoreResults(opened))


def rows(bench: Workbench) -> dict[str, list[str]]:
    """Every table as lines; seconds and orders are no part of a result."""
    names = {name: columns for name, columns in TABLES.items() if name != "benchmark_prompts"}
    return {
        name: sorted(map(str, bench.store.rows(f"SELECT {columns} FROM {name}"))) for name, columns in names.items()
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Iterator[tuple[Workbench, dict[str, list[str]]]]:
    opened, bench = bench_in(tmp_path_factory.mktemp("local") / "home")
    with opened:
        *_, last = run_sweep(bench, plan_sweep(bench, SPEC))
        assert last.done == 4
        yield bench, rows(bench)


@pytest.fixture
def here(monkeypatch, undisturbed) -> None:
    """A cluster of this very process, whose models are loaded already."""

    def run(address, begin, items, send, workers=0, stopped=lambda: False, alike=id):
        work = begin()
        for item in items:
            if stopped():
                return
            yield item, work(send(item))

    monkeypatch.setattr(remote, "run_on_ray", run)
    monkeypatch.setattr(
        remote, "bare_workbench", lambda home: replace(undisturbed[0], results=remote.InboxResults(home))
    )


@pytest.mark.slow
@pytest.mark.parametrize("shared", [False, True])
def test_cells_that_travel_are_those_of_one_machine(here, undisturbed, tmp_path, shared) -> None:
    opened, bench = bench_in(tmp_path / "home")
    place = (tmp_path / "shards").as_uri() if shared else ""
    with opened:
        states = list(run_remote(bench, plan_sweep(bench, SPEC), Cluster(shards=place)))
        assert [state.done for state in states] == [0, 1, 2, 3, 4, 4] and states[-1].generated == 8
        assert rows(bench) == undisturbed[1]
        again = list(run_remote(bench, plan_sweep(bench, SPEC), Cluster(shards=place)))
        assert [(state.done, state.generated) for state in again] == [(4, 0), (4, 0)], (
            "what is stored is not done again"
        )
        more = replace(SPEC, seeds=4)
        *_, last = run_remote(bench, plan_sweep(bench, more), Cluster(shards=place))
        assert last.generated == 8, "pictures that are there travel to where the rest is drawn"
    assert not shared or list((tmp_path / "shards").iterdir()) == []


@pytest.mark.slow
def test_early_looks_come_first_and_what_they_drew_travels(here, undisturbed, tmp_path) -> None:
    """Of eight seeds four come first, on every cell; bit for bit the sweep of one machine with its early looks."""
    asked = replace(SPEC, seeds=8)
    tables = []
    for name in ("local", "cluster"):
        opened, bench = bench_in(tmp_path / name)
        with opened:
            own = replace(undisturbed[0], results=StoreResults(opened))
            plan = plan_sweep(own, asked)
            states = list(run_sweep(own, plan) if name == "local" else run_remote(own, plan, Cluster()))
            assert states[-1].generated == 32
            tables.append(rows(bench))
    assert [state.done for state in states] == [0, 0, 0, 0, 0, 1, 2, 3, 4, 4]
    assert [state.generated for state in states] == [0, 4, 8, 12, 16, 20, 24, 28, 32, 32]
    assert tables[0] == tables[1]
    assert len({row.split(",")[1] for row in tables[1]["batch_scores"]}) == 4, "two prompts, on four seeds and on eight"


@pytest.mark.slow
def test_what_a_lost_owner_left_in_the_shards_is_taken_in_first(here, undisturbed, tmp_path, monkeypatch) -> None:
    opened, bench = bench_in(tmp_path / "home")
    cluster = Cluster(shards=(tmp_path / "shards").as_uri())
    with opened:
        with monkeypatch.context() as lost:
            lost.setattr(remote, "_keep", lambda *parts: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                list(run_remote(bench, plan_sweep(bench, SPEC), cluster))
        assert len(list((tmp_path / "shards").glob("*.parcel.parquet"))) == 1
        states = list(run_remote(bench, plan_sweep(bench, SPEC), cluster))
        assert states[0].done == 1 and states[-1].generated == 6
        assert rows(bench) == undisturbed[1] and collect(bench, cluster.shards) == 0


@pytest.mark.slow
def test_other_weights_are_refused(here, tmp_path, monkeypatch) -> None:
    opened, bench = bench_in(tmp_path / "home")
    with opened:
        plan = plan_sweep(bench, SPEC)
        cells = tuple(replace(cell, cell="0" * 16) for cell in plan.cells)
        with pytest.raises(InputError, match="has other weights of base than this machine"):
            list(run_remote(bench, replace(plan, cells=cells), Cluster()))


@pytest.mark.slow
def test_parts_of_machines_that_share_nothing_join_to_the_same_store(undisturbed, tmp_path) -> None:
    """What docs/slurm_sweep.py and docs/hf_jobs_sweep.py do: every part in a store of its own, exported and imported."""
    for part in range(2):
        opened, bench = bench_in(tmp_path / f"part-{part}")
        with opened:
            own = replace(undisturbed[0], results=StoreResults(opened))
            plan = plan_sweep(own, SPEC)
            list(run_sweep(own, replace(plan, cells=plan.cells[part::2])))
            write_tables(opened, tmp_path / f"out-{part}", pictures=True)
    opened, bench = bench_in(tmp_path / "home")
    with opened:
        for part in (0, 1, 1):  # one of them twice
            read_tables(opened, tmp_path / f"out-{part}")
        assert rows(bench) == undisturbed[1]
        assert [state.done for state in run_sweep(bench, plan_sweep(bench, SPEC))] == [4, 4]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Ray on this machine; its workers have the settings of the process that starts it (``tests/conftest.py``)."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install t2ialign[ray]")
    assert os.environ["OMP_NUM_THREADS"] == "1" and os.environ["T2IALIGN_HOME"] == str(settings.HOME)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=10**8)
    yield
    ray.shutdown()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_workers_one_killed_midway(cluster, undisturbed, tmp_path) -> None:
    opened, bench = bench_in(tmp_path / "home")
    with opened:
        killed = False
        for state in run_remote(bench, plan_sweep(bench, SPEC), Cluster("auto", 2)):
            if state.done == 1 and not killed:
                killed = True
                os.kill(worker_of(), signal.SIGKILL)
        assert killed and state.done == 4 and rows(bench) == undisturbed[1]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_actors_killed_at_random_moments_change_nothing(cluster, undisturbed, tmp_path) -> None:
    """Whoever works is killed again and again, while it starts, loads or draws; a sweep that gives up is begun again."""
    chance, killed, rounds = random.Random(KILLS), [], 0
    while len(killed) < KILLS:
        rounds += 1
        opened, bench = bench_in(tmp_path / f"home-{rounds}")
        with opened, killing(chance, killed):
            finish(bench)
            assert rows(bench) == undisturbed[1]
    assert len(killed) >= KILLS


def finish(bench: Workbench) -> None:
    """The same sweep as often as it takes: a cell that took its actor with it three times ends one."""
    for _ in range(KILLS):
        with suppress(InputError):
            *_, state = run_remote(bench, plan_sweep(bench, SPEC), Cluster("auto", 2))
            if state.done == 4:
                return
    raise AssertionError("it never came to its end")


@contextmanager
def killing(chance: random.Random, killed: list[int]) -> Iterator[None]:
    """Kills an actor at random moments, until there were enough kills or the block ends."""
    over = threading.Event()

    def kill() -> None:
        while len(killed) < KILLS and not over.wait(chance.uniform(0, 10)):
            with suppress(AssertionError, ProcessLookupError):  # none lives yet, or it has just ended
                os.kill(found := worker_of(chance), signal.SIGKILL)
                killed.append(found)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def worker_of(chance: random.Random | None = None) -> int:
    """The process of an actor that lives: the first, or any."""
    found = []
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # one that has just ended
            if "".join(one.cmdline()[:1]).startswith("ray::_Actor") and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one.pid)
    if found:
        return chance.choice(found) if chance else found[0]
    raise AssertionError("no actor lives")
