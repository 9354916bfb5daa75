from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import pytest

from t2ialign.jobs import process
from t2ialign.jobs.folder import WorkerState, folder_of
from tests.jobs.conftest import until

SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")
PARENT = (sys.executable, "-c", f"import subprocess; print('go', flush=True); subprocess.run({list(SLEEP)})")
TELL = "import os, sys; print(*(os.environ.get(name) for name in sys.argv[1:]), sys.stdin.read() == '', sep='|')"
NAMES = ("T2IALIGN_JOB", "T2IALIGN_HOME", "T2IALIGN_DEVICE", "T2IALIGN_OWNER_TOKEN")


def test_a_worker_knows_its_job_and_not_the_owners_secret(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("T2IALIGN_OWNER_TOKEN", "secret")
    folder = folder_of(home, "align-1")
    program = f"{TELL}; import t2ialign; print('err', file=sys.stderr)"
    assert process.start([sys.executable, "-c", program, *NAMES], folder, home, "cuda:1").wait(60) == 0
    assert folder.tail() == [f"align-1|{home.resolve()}|cuda:1|None|True", "err"]


def test_a_process_is_known_by_its_birth(home: Path):
    worker = process.start(SLEEP, folder_of(home, "align-1"), home, "cpu")
    born = process.born(worker.pid)
    assert process.is_alive(worker.pid, born)
    assert not process.is_alive(worker.pid, born - 60)
    until(
        lambda: process.is_alive(worker.pid, born - 60, "align-1")
    )  # the clock was set: what it was started with stays
    assert not process.is_alive(worker.pid, born - 60, "align-2")
    worker.kill()
    until(lambda: not process.is_alive(worker.pid, born))  # a zombie is dead
    worker.wait()
    assert not process.is_alive(worker.pid, born) and process.born(worker.pid) == 0
    assert not process.is_alive(0, 0.0)


@pytest.mark.parametrize("at_once", [False, True])
def test_stopping_a_job_stops_its_children_and_no_other_job(home: Path, tmp_path: Path, at_once: bool):
    worker = process.start(PARENT, folder_of(home, "align-1"), home, "cpu")
    bystander = process.start(SLEEP, folder_of(home, "align-2"), home, "cpu")
    elsewhere = process.start(SLEEP, folder_of(tmp_path / "other", "align-1"), tmp_path / "other", "cpu")
    until(lambda: len(list(process.members(home, "align-1"))) == 2)
    found = list(process.members(home))
    assert {(job, process.leads(member)) for job, member in found} == {
        ("align-1", True),
        ("align-1", False),
        ("align-2", True),
    }
    process.stop(home, "align-1", at_once)
    worker.wait(60)
    until(lambda: [job for job, _ in process.members(home)] == ["align-2"])
    assert elsewhere.poll() is None
    for left in (bystander, elsewhere):
        left.kill()
        left.wait()


def test_a_worker_is_apart_from_the_app_and_gives_way_to_it(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(process, "NICENESS", 15)
    worker = process.start(SLEEP, folder_of(home, "align-1"), home, "cpu")
    assert os.getsid(worker.pid) == worker.pid != os.getsid(0)
    assert psutil.Process(worker.pid).nice() == min(psutil.Process().nice() + 15, 19)
    worker.kill()
    worker.wait()


def test_a_worker_on_another_machine_is_known_by_its_heartbeat():
    fresh, old = process.time.time(), process.time.time() - 60
    assert process.beats_elsewhere(WorkerState(host="another", heartbeat=fresh))
    assert not process.beats_elsewhere(WorkerState(host="another", heartbeat=old))
    assert not process.beats_elsewhere(WorkerState(host="another", heartbeat=fresh, ended="done"))
    assert not process.beats_elsewhere(WorkerState(host=process.platform.node(), heartbeat=fresh))
    assert not process.beats_elsewhere(
        WorkerState(host="another", heartbeat=fresh + 3600)
    )  # before a clock was set back
    assert not process.beats_elsewhere(WorkerState())


def test_a_worker_that_was_started_by_hand_is_known_by_its_command_when_the_clock_is_set(home: Path):
    worker = process.subprocess.Popen([*SLEEP, "--job", "align-7"])
    try:
        born = process.born(worker.pid)
        until(lambda: process.is_alive(worker.pid, born - 3600, "align-7"))
        assert not process.is_alive(worker.pid, born - 3600, "align-8")
    finally:
        worker.kill()
        worker.wait()
