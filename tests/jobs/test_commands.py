"""`t2ialign jobs`, beside a running app and without one."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from t2ialign import cli
from t2ialign.jobs.folder import folder_of
from t2ialign.jobs.supervisor import Supervisor
from t2ialign.store import StoreBusy, open_store
from tests.jobs.conftest import PROGRAM, until

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, home: Path) -> Say:
    """``t2ialign jobs ...`` within this process: exit code, stdout and stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["t2ialign", "jobs", *arguments, "--store", str(home)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        output = capsys.readouterr()
        return stopped.value.code or 0, output.out, output.err

    return call


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in another process than the app's, where the store cannot be opened."""

    def refuse(home: Path) -> None:
        raise StoreBusy("The store is in use by another process.")

    monkeypatch.setattr("t2ialign.store.open_store", refuse)


def submit(supervisor: Supervisor, *command: object) -> str:
    return supervisor.submit([str(part) for part in command], "A title", "align", "cpu")


def test_no_jobs_yet(say: Say):
    assert say("list", "--json") == (0, "[]\n", "")
    code, _, said = say("show", "align-1")
    assert (code, said) == (2, "t2ialign: There is no job 'align-1': this store has had no jobs yet.\n")


def leave(home: Path, name: str, **fields: object) -> Path:
    """The folder of a job as another version left it: no more than what a job must have, and these fields."""
    record = {"id": name, "title": "Of old", "kind": "align", "device": "cpu", "command": ["align", "ipo"], **fields}
    folder_of(home, name).path.joinpath("spec.json").write_text(json.dumps(record))
    return folder_of(home, name).path


OLD = {
    "queued": "queued",
    "running": "interrupted",
    "paused": "paused",
    "interrupted": "interrupted",
    "done": "done",
    "cancelled": "cancelled",
    "failed": "failed",
}


@pytest.mark.parametrize(("status", "now"), OLD.items())
def test_a_job_of_an_older_version_is_listed_and_shown(say: Say, busy: None, home: Path, status: str, now: str):
    folder = leave(home, "align-0000aa", created="2025-01-02T03:04:05", status=status)
    leave(home, "align-0000bb", created="2025-01-01T03:04:05+00:00", status="done", of_the_future=[1])
    code, out, err = say("list")
    second, first = out.splitlines()
    assert (code, err) == (0, "") and first.split()[:2] == ["align-0000aa", now] and second.startswith("align-0000bb")
    assert say("show", "align-0000aa")[1].splitlines()[1] == "python -m t2ialign align ipo"
    (shown, _) = sorted(json.loads(say("list", "--json")[1]), key=lambda record: record["id"])
    assert (shown["status"], shown["progress"]["step"], shown["request"]["method"]) == (now, 0, "ipo")
    (folder / "progress.json").write_text('{"phase": "training", "fraction": 0.5, "step": 7, "heartbeat": "soon"}')
    assert say("show", "align-0000aa")[0] == 0


def test_what_may_be_asked_of_a_job_of_an_older_version(
    say: Say, busy: None, home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("t2ialign.cli.jobs.PATIENCE", 0.0)
    leave(home, "align-0000aa", created="2025-01-02T03:04:05", status="queued")
    leave(home, "align-0000bb", created="2025-01-02T03:04:05", status="done")
    assert "has been asked to pause" in say("pause", "align-0000aa")[1]
    code, _, said = say("cancel", "align-0000bb")
    assert (code, said) == (2, "t2ialign: Job align-0000bb cannot be cancelled: it has ended already (done).\n")


def test_a_job_of_which_only_an_old_file_is_left_can_be_cancelled(say: Say, home: Path):
    leave(home, "align-0000aa", created="2025-01-02T03:04:05", status="paused")
    with open_store(home) as store, Supervisor(store, PROGRAM):
        pass
    assert say("cancel", "align-0000aa")[1] == "Job align-0000aa is cancelled.\n"


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"status": "done"}, "it lacks 'created'"),
        ({"created": "yesterday", "status": "done"}, "'created' cannot be read"),
        ({"created": "2025-01-02T03:04:05", "status": "asleep"}, "'status' is one of"),
        ({"created": "2025-01-02T03:04:05", "command": "align ipo"}, "'command' is a list"),
        ({"created": "2025-01-02T03:04:05", "pid": "12"}, "'pid' is a whole number"),
    ],
)
def test_a_broken_record_is_said_and_hides_no_other(
    say: Say, busy: None, home: Path, caplog, fields: dict[str, object], wrong: str
):
    path = leave(home, "align-0000aa", **fields) / "spec.json"
    leave(home, "align-0000bb", created="2025-01-02T03:04:05", status="done")
    code, out, _ = say("list")
    assert code == 0 and [line.split()[0] for line in out.splitlines()] == ["align-0000bb"]
    assert wrong in caplog.text and str(path) in caplog.text
    for asked in ("show", "pause", "cancel", "resume", "discard"):
        code, _, said = say(asked, "align-0000aa")
        assert code == 2 and wrong in said and said.count("\n") == 1, asked
    assert not (path.parent / "control").exists()


@pytest.mark.slow
def test_beside_an_app(say: Say, busy: None, supervisor: Supervisor):
    job, waiting = submit(supervisor, "count", 3000, 2), submit(supervisor, "count", 5, 1)
    until(lambda: supervisor.job(job).progress.step > 5)
    first, second = say("list")[1].splitlines()
    assert first.startswith(job) and "running" in first and "training" in first and first.endswith("A title")
    assert second.startswith(waiting) and "queued" in second
    shown = json.loads(say("show", job, "--json")[1])
    assert shown["status"] == "running" and shown["progress"]["step"] > 5 and shown["log"] == [f"working on {job}"]
    assert shown["command"] == ["count", "3000", "2"]
    assert "python -m t2ialign count 3000 2" in say("show", job[:-1])[1]
    assert say("pause", waiting)[1] == f"Job {waiting} is paused.\n"
    result = json.loads(say("cancel", job, "--json")[1])
    assert result == {"job": job, "asked": "cancel", "status": "cancelled", "granted": True}
    assert say("discard", job)[1] == f"Job {job} is discarded.\n"
    assert [record["id"] for record in json.loads(say("list", "--json")[1])] == [waiting]


def test_beside_a_process_that_does_not_watch(say: Say, busy: None, home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("t2ialign.cli.jobs.PATIENCE", 0.2)
    with open_store(home) as store:
        job = submit(Supervisor(store, PROGRAM), "count", 5, 1)
    code, out, _ = say("cancel", job)
    wanted = f"Job {job} has been asked to cancel (the process that has the store open sees to it); it is queued now.\n"
    assert (code, out) == (0, wanted)
    assert folder_of(home, job).asked() == "cancel"


@pytest.mark.slow
def test_without_an_app(say: Say, home: Path):
    with open_store(home) as store, Supervisor(store, PROGRAM, poll_seconds=0.02) as supervisor:
        job = submit(supervisor, "count", 3000, 2)
        until(lambda: supervisor.job(job).progress.step > 5)
    assert "running" in say("list")[1]
    assert say("pause", job)[1] == f"Job {job} is paused.\n"
    assert say("resume", job)[1] == f"Job {job} is queued: it starts when the app runs.\n"
    assert say("cancel", job)[1] == f"Job {job} is cancelled.\n"
    code, _, said = say("cancel", job)
    assert (code, said) == (2, f"t2ialign: Job {job} cannot be cancelled: it has ended already (cancelled).\n")
    code, _, said = say("discard", job[:-2] + "zz")
    assert code == 2 and said.endswith(f"did you mean '{job}'?\n")
    assert say("discard", job)[1] == f"Job {job} is discarded.\n"
    assert say("list")[:2] == (0, "")


@pytest.mark.slow
def test_a_dead_worker_is_seen_without_an_app(say: Say, home: Path):
    with open_store(home) as store, Supervisor(store, PROGRAM, poll_seconds=0.02) as supervisor:
        job = submit(supervisor, "stubborn")
        until(lambda: "stubborn" in supervisor.tail(job) and supervisor.job(job).pid)
        supervisor.stop()
        supervisor._children[job].kill()
        supervisor._children[job].wait()
    shown = json.loads(say("show", job, "--json")[1])
    assert shown["status"] == "interrupted"
    assert shown["message"] == "Its process was stopped from outside; its last line was: stubborn"
    assert say("resume", job)[1] == f"Job {job} is queued: it starts when the app runs.\n"
