"""kill -9 of either side at random moments: nothing that was committed is lost, and no step counts twice."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from t2ialign.jobs import process
from t2ialign.jobs.folder import JobFolder, folder_of
from t2ialign.jobs.supervisor import AUTOMATIC, Supervisor
from t2ialign.store import Store, job_of, open_store, probes, train_steps, update_job
from tests.jobs.conftest import PROGRAM, until
from tests.repeats import times

ROOT = Path(__file__).resolve().parents[2]
KILLS = times(6, 20)
STEPS = 75 * KILLS + 150

OWNER = """
import os, sys, time
from pathlib import Path
from t2ialign.jobs import process
from t2ialign.jobs.supervisor import Supervisor
from t2ialign.store import open_store
process.NICENESS = 0
home, program = Path(sys.argv[1]), sys.argv[2:]
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        store = open_store(home)
        supervisor = Supervisor(store, program, poll_seconds=0.02)
        if line.strip():
            supervisor.submit(line.split(), "A title", "align", "cpu")
        supervisor.start()
        print(os.getpid(), flush=True)
        time.sleep(600)
    os.waitpid(child, 0)
"""


def total_of(folder: JobFolder) -> int:
    return json.loads((folder.path / "result.json").read_text())["total"]


def lines(folder: JobFolder) -> int:
    """How many steps a worker has taken, those that it took twice included."""
    path = folder.path / "steps.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def check_steps(store: Store, job: str) -> int:
    """Every step up to the last one is there once, with the total that an undisturbed worker has; returns the last."""
    records = train_steps(store, job)
    assert [record["step"] for record in records] == list(range(1, len(records) + 1))
    assert all(record["total"] == record["step"] * (record["step"] + 1) // 2 for record in records)
    place = folder_of(store.home, job).path / "state.json"
    assert not place.exists() or json.loads(place.read_text())["step"] <= len(records)
    return len(records)


@pytest.mark.slow
def test_kills_of_the_worker_lose_nothing(store: Store, supervisor: Supervisor):
    chance = random.Random(4)
    job = supervisor.submit(["count", str(STEPS), "2"], "A title", "align", "cpu")
    folder, reached = folder_of(store.home, job), []
    for _ in range(KILLS):
        found = until(lambda: (found := supervisor.job(job)).status == "running" and found.pid and found)
        wanted = lines(folder) + chance.choice((0, *range(30)))
        until(lambda wanted=wanted: lines(folder) >= wanted)
        time.sleep(chance.uniform(0, 0.1))
        assert process.is_alive(found.pid, found.born), "it is to be killed at work: take more steps"
        os.kill(found.pid, 9)
        until(lambda: supervisor.job(job).status == "interrupted")
        reached.append(check_steps(store, job))
        assert supervisor.job(job).message.startswith("Its process was stopped")
        supervisor.resume(job)
    assert reached == sorted(reached) and reached[-1] > 50
    until(lambda: supervisor.job(job).status == "done")
    assert check_steps(store, job) == STEPS
    assert total_of(folder) == STEPS * (STEPS + 1) // 2
    assert [record["step"] for record in probes(store, job)] == list(range(20, STEPS + 1, 20))


@pytest.fixture
def owner(home: Path) -> Iterator[Callable[[str], int]]:
    """Starts an owner of the store in a process of its own and gives its id; a command is submitted first."""
    known = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", OWNER, str(home), *PROGRAM]
    with subprocess.Popen(command, env=known, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as source:

        def start(command: str = "") -> int:
            source.stdin.write(f"{command}\n")
            source.stdin.flush()
            return int(source.stdout.readline())

        yield start
        for child in psutil.Process(source.pid).children():
            child.kill()
        source.stdin.close()


def only_job(home: Path) -> JobFolder:
    return until(lambda: next((JobFolder(path.parent) for path in (home / "jobs").glob("*/spec.json")), None))


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="fork is POSIX's")
def test_kills_of_the_owner_are_not_noticed_by_the_worker(home: Path, owner: Callable[[str], int]):
    chance = random.Random(5)
    pid = owner("count 900 4")
    folder = only_job(home)
    workers = set()
    for _ in range(5):
        until(lambda: (said := folder.state()).pid and process.is_alive(said.pid, said.born))
        time.sleep(chance.uniform(0, 0.2))
        os.kill(pid, 9)
        workers.add(folder.state().pid)
        pid = owner()
    os.kill(pid, 9)
    (worker,) = workers
    until(lambda: not psutil.pid_exists(pid))
    with open_store(home) as store, Supervisor(store, PROGRAM, poll_seconds=0.02) as supervisor:
        assert supervisor.job(folder.id).attempt == 1
        until(lambda: supervisor.job(folder.id).status == "done")
        assert supervisor.job(folder.id).pid == worker
        assert check_steps(store, folder.id) == 900


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="fork is POSIX's")
def test_kills_of_both_go_on_by_themselves_a_few_times(home: Path, owner: Callable[[str], int]):
    pid = owner("count 900 2")
    folder = only_job(home)
    reached, workers = 0, set()
    for _ in range(AUTOMATIC):
        job = until(lambda: (job := folder.told()) and job.pid and job.pid not in workers and job)
        reached = until(lambda least=reached: (step := folder.state().step) > least and step)
        workers.add(job.pid)
        os.kill(pid, 9)
        os.kill(job.pid, 9)
        pid = owner()
    until(lambda: (job := folder.told()) and job.status == "interrupted")
    os.kill(pid, 9)
    until(lambda: not psutil.pid_exists(pid))
    with open_store(home) as store:
        assert check_steps(store, folder.id) >= reached > 0
        assert job_of(store, folder.id).status == "interrupted"


@pytest.mark.slow
def test_a_worker_whose_row_was_lost_is_taken_over(store: Store):
    with Supervisor(store, PROGRAM, poll_seconds=0.02) as first:
        job = first.submit(["count", "3000", "2"], "A title", "align", "cpu")
        until(lambda: first.job(job).progress.step > 3)
    before = job_of(store, job)
    with store.transaction() as cursor:
        cursor.execute("DELETE FROM jobs").fetchall()
    with Supervisor(store, PROGRAM, poll_seconds=0.02) as second:
        found = until(lambda: [found for found in second.jobs() if found.status == "running"])
        assert [(one.id, one.pid, one.command) for one in found] == [(job, before.pid, ("count", "3000", "2"))]


@pytest.mark.slow
def test_a_worker_that_the_row_does_not_name_is_found_by_its_mark(store: Store):
    """The owner died between starting a worker and writing down who it is."""
    with Supervisor(store, PROGRAM, poll_seconds=0.02) as first:
        job = first.submit(["count", "3000", "2"], "A title", "align", "cpu")
        until(lambda: first.job(job).progress.step > 3)
    before = job_of(store, job)
    update_job(store, replace(before, pid=0, born=0.0))
    with Supervisor(store, PROGRAM, poll_seconds=0.02) as second:
        until(lambda: second.job(job).pid == before.pid)
        assert second.job(job).status == "running" and second.job(job).attempt == 1


@pytest.mark.slow
def test_an_orphan_whose_job_was_discarded_is_stopped(store: Store):
    with Supervisor(store, PROGRAM, poll_seconds=0.02) as first:
        job = first.submit(["count", "3000", "2"], "A title", "align", "cpu")
        until(lambda: first.job(job).progress.step > 3)
    update_job(store, replace(job_of(store, job), status="discarded"))
    with Supervisor(store, PROGRAM, poll_seconds=0.02) as second:
        until(lambda: not list(process.members(store.home)))
        assert second.jobs() == []
        until(lambda: not (store.home / "jobs" / job / "spec.json").exists())
