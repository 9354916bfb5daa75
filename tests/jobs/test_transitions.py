from __future__ import annotations

from datetime import UTC, datetime

import pytest

from t2ialign.jobs import transitions
from t2ialign.store import Job
from t2ialign.types import InputError

MAY = {
    "pause": {"queued", "running"},
    "cancel": {"queued", "running", "paused", "interrupted"},
    "resume": {"paused", "interrupted", "cancelled", "failed"},
    "discard": {"queued", "paused", "interrupted", "done", "cancelled", "failed"},
}
STATUSES = set().union(*MAY.values())


@pytest.mark.parametrize("wish", MAY)
@pytest.mark.parametrize("status", sorted(STATUSES))
def test_what_may_be_asked_when(wish: str, status: str):
    if status in MAY[wish]:
        transitions.check("align-1", status, "", wish)
    else:
        with pytest.raises(InputError, match=r"^Job align-1 cannot be \w+: .*\.$"):
            transitions.check("align-1", status, "", wish)


@pytest.mark.parametrize(
    ("ended", "code", "asked", "status"),
    [
        ("done", 0, "", "done"),
        ("done", None, "cancel", "done"),
        ("", 0, "", "done"),
        ("", 75, "", "paused"),
        ("", 76, "", "cancelled"),
        ("", -15, "cancel", "cancelled"),
        ("", -9, "pause", "interrupted"),
        ("", -9, "", "interrupted"),
        ("", None, "", "interrupted"),
        ("", 1, "", "failed"),
        ("failed", 2, "", "failed"),
    ],
)
def test_how_a_dead_workers_job_stands(ended: str, code: int | None, asked: str, status: str):
    assert transitions.outcome(ended, code, asked) == status


def test_last_words():
    assert transitions.last_words("done", "", ["saved"]) == ""
    assert transitions.last_words("failed", "", ["Traceback", "ValueError: no"]) == "ValueError: no"
    assert transitions.last_words("failed", "A sentence.", ["noise"]) == "A sentence."
    assert transitions.last_words("failed", "", []) == "It ended without a word."
    assert transitions.last_words("interrupted", "", []) == "Its process was stopped."


def job(number: int, status: str, device: str) -> Job:
    return Job(f"align-{number}", "A title", "align", device, (), datetime(2026, 1, number, tzinfo=UTC), status)


def test_which_are_next():
    queue = [
        job(1, "queued", "cpu"),
        job(2, "queued", "cpu"),
        job(3, "running", "cuda"),
        job(4, "queued", "cuda:0"),
        job(5, "queued", "cuda:1"),
    ]
    assert [ready.id for ready in transitions.ready(queue)] == ["align-1", "align-5"]
    assert list(transitions.ready([])) == []
