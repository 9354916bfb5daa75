"""Jobs from the queue to their end, with a worker that counts."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import psutil
import pytest

from t2ialign.jobs import process
from t2ialign.jobs.folder import folder_of
from t2ialign.jobs.supervisor import Supervisor
from t2ialign.store import Store, list_jobs, probes, train_steps
from t2ialign.types import InputError
from tests.jobs.conftest import PROGRAM, until

Reaches = Callable[..., None]


def steps_of(store: Store, job: str) -> list[int]:
    return [record["step"] for record in train_steps(store, job)]


def submit(supervisor: Supervisor, *command: object, device: str = "cpu") -> str:
    return supervisor.submit([str(part) for part in command], "A title", "align", device)


@pytest.mark.slow
def test_a_job_runs_to_its_end(store: Store, supervisor: Supervisor, reaches: Reaches):
    job = submit(supervisor, "count", 50, 1)
    assert job.startswith("align-")
    reaches(job, "done")
    found = supervisor.job(job)
    assert (found.attempt, found.message, found.progress.phase, found.progress.fraction) == (1, "", "training", 1.0)
    assert found.created <= found.started <= found.ended
    assert supervisor.jobs() == list_jobs(store) == [found]
    assert steps_of(store, job) == list(range(1, 51))
    assert train_steps(store, job, after=48)[0] == {"step": 49, "loss": 1 / 49, "total": 49 * 50 // 2}
    assert [record["step"] for record in probes(store, job)] == [20, 40]
    assert supervisor.tail(job) == [f"working on {job}"]
    assert not list(process.members(store.home))


@pytest.mark.slow
def test_one_job_a_device_and_the_oldest_first(supervisor: Supervisor, reaches: Reaches):
    first, second = submit(supervisor, "count", 3000, 2), submit(supervisor, "count", 5, 1)
    other = submit(supervisor, "count", 3000, 2, device="cuda:1")
    same = submit(supervisor, "count", 5, 1, device="cuda:1")
    until(lambda: [supervisor.job(job).status for job in (first, other)] == ["running", "running"])
    assert [supervisor.job(job).status for job in (second, same)] == ["queued", "queued"]
    supervisor.cancel(second)
    assert supervisor.job(second).status == "cancelled"
    supervisor.cancel(other)
    reaches(same, "running", "done")
    assert supervisor.job(other).status == "cancelled"
    assert supervisor.job(first).status == "running"


@pytest.mark.slow
def test_a_running_job_tells_how_far_it_is(supervisor: Supervisor, reaches: Reaches):
    job = submit(supervisor, "count", 3000, 2)
    until(lambda: supervisor.job(job).progress.step > 20)
    found = supervisor.job(job)
    assert found.progress.phase == "training" and 0 < found.progress.fraction < 1
    assert found.progress.remaining > 0 and found.progress.heartbeat > found.started.timestamp() - 1
    assert process.is_alive(found.pid, found.born)


@pytest.mark.slow
def test_pause_frees_memory_and_resume_goes_on(store: Store, supervisor: Supervisor, reaches: Reaches):
    job = submit(supervisor, "count", 400, 2)
    until(lambda: supervisor.job(job).progress.step > 20)
    pid = supervisor.job(job).pid
    supervisor.pause(job)
    assert supervisor.job(job).asked in ("pause", "")
    reaches(job, "paused")
    assert not psutil.pid_exists(pid)
    seen = steps_of(store, job)
    assert seen == list(range(1, len(seen) + 1)) and 20 < len(seen) < 400
    assert supervisor.tail(job)[-1] == f"leaving at {len(seen)}"
    with pytest.raises(InputError, match="cannot be paused: it is paused already"):
        supervisor.pause(job)
    supervisor.resume(job)
    reaches(job, "done")
    assert steps_of(store, job) == list(range(1, 401))
    result = json.loads((folder_of(store.home, job).path / "result.json").read_text())
    assert result["total"] == 400 * 401 // 2
    with pytest.raises(InputError, match="cannot be resumed: it is done"):
        supervisor.resume(job)
    with pytest.raises(InputError, match=r"cannot be cancelled: it has ended already \(done\)"):
        supervisor.cancel(job)


@pytest.mark.slow
def test_a_pause_can_be_taken_back(store: Store, supervisor: Supervisor):
    job = submit(supervisor, "count", 3000, 2)
    until(lambda: supervisor.job(job).progress.step > 5)
    supervisor.pause(job)
    supervisor.resume(job)
    step = supervisor.job(job).progress.step
    until(lambda: (found := supervisor.job(job)).status == "running" and found.progress.step > step + 50)
    assert folder_of(store.home, job).asked() == ""


@pytest.mark.slow
def test_a_worker_that_does_not_listen_is_killed_with_its_children(
    store: Store, supervisor: Supervisor, reaches: Reaches
):
    job = submit(supervisor, "stubborn")
    until(lambda: "stubborn" in supervisor.tail(job) and len(list(process.members(store.home, job))) == 2)
    supervisor.cancel(job)
    assert supervisor.job(job).asked == "cancel"
    with pytest.raises(InputError, match="is being cancelled; resume it when it has stopped"):
        supervisor.resume(job)
    reaches(job, "cancelled")
    assert list(process.members(store.home)) == []


@pytest.mark.slow
def test_a_child_does_not_outlive_its_worker(store: Store, supervisor: Supervisor, reaches: Reaches):
    job = submit(supervisor, "stubborn")
    until(lambda: "stubborn" in supervisor.tail(job) and len(list(process.members(store.home, job))) == 2)
    os.kill(supervisor.job(job).pid, 9)
    reaches(job, "interrupted")
    assert supervisor.job(job).message == "Its process was stopped from outside; its last line was: stubborn"
    assert list(process.members(store.home)) == []


@pytest.mark.slow
def test_failures_are_told_in_one_sentence(supervisor: Supervisor, reaches: Reaches):
    bad, crash = submit(supervisor, "bad"), submit(supervisor, "crash", device="cuda")
    reaches(bad, "failed")
    reaches(crash, "failed")
    assert supervisor.job(bad).message == "There are no pairs: choose another source."
    assert supervisor.job(crash).message == "RuntimeError: a deep reason"


def test_a_program_that_is_not_there(store: Store):
    with Supervisor(store, ["/nowhere/python"], poll_seconds=0.02) as supervisor:
        job = submit(supervisor, "count", 1, 1)
        until(lambda: supervisor.job(job).status == "failed")
        assert supervisor.job(job).message.startswith("It could not be started: ")


@pytest.mark.slow
def test_discard_leaves_nothing(store: Store, supervisor: Supervisor, reaches: Reaches):
    job = submit(supervisor, "count", 3000, 2)
    until(lambda: supervisor.job(job).progress.step > 5)
    with pytest.raises(InputError, match="cannot be discarded: it is running; cancel it first"):
        supervisor.discard(job)
    os.kill(supervisor.job(job).pid, 9)
    reaches(job, "interrupted")
    folder = folder_of(store.home, job).path
    assert steps_of(store, job) and folder.exists()
    supervisor.discard(job)
    assert supervisor.jobs() == [] and steps_of(store, job) == [] and not folder.exists()
    with pytest.raises(InputError, match="no job"):
        supervisor.job(job)


@pytest.mark.slow
def test_requests_through_the_folder_are_granted(store: Store, supervisor: Supervisor, reaches: Reaches):
    """As commands beside a running app leave them."""
    job = submit(supervisor, "count", 3000, 2)
    waiting = submit(supervisor, "count", 0, 1)
    folder_of(store.home, waiting).ask("pause")
    reaches(waiting, "paused")
    until(lambda: supervisor.job(job).progress.step > 5)
    folder_of(store.home, job).ask("cancel")
    reaches(job, "cancelled")
    folder_of(store.home, waiting).ask("resume")
    reaches(waiting, "done")
    folder_of(store.home, waiting).ask("pause")  # too late
    until(lambda: not folder_of(store.home, waiting).asked())
    assert supervisor.job(waiting).status == "done"
    folder_of(store.home, waiting).ask("discard")
    until(lambda: [found.id for found in supervisor.jobs()] == [job])


def test_unknown_jobs(supervisor: Supervisor):
    for act in (supervisor.pause, supervisor.cancel, supervisor.resume, supervisor.discard, supervisor.tail):
        with pytest.raises(InputError, match="There is no job 'nonsense' in this store"):
            act("nonsense")


def test_a_supervisor_that_does_not_watch_can_still_act(store: Store):
    idle = Supervisor(store, PROGRAM)
    job = submit(idle, "count", 5, 1)
    idle.pause(job)
    assert idle.settle(job, 5).status == "paused"
    idle.resume(job)
    idle.cancel(job)
    assert [found.status for found in idle.jobs()] == ["cancelled"]
