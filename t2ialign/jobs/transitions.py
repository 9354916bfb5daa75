"""What may be asked of a job in which state, how a dead worker's job stands, and which job is next. Pure and light."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal, get_args

from t2ialign.types import InputError

if TYPE_CHECKING:
    from t2ialign.job_record import Job

PAUSED, CANCELLED = 75, 76  # a worker's exit codes; 75 is "try again later" to most systems
ENDED = ("done", "cancelled", "failed")
Ending = Literal["done", "paused", "cancelled", "interrupted", "failed"]  # how a worker leaves its job
ENDINGS: dict[str, Ending] = {ending: ending for ending in get_args(Ending)}
REFUSALS = {
    ("pause", "paused"): "it is paused already.",
    ("pause", "interrupted"): "it does not run: `resume` lets it go on.",
    ("resume", "queued"): "it is in the queue already.",
    ("resume", "running"): "it is running already.",
    ("resume", "done"): "it is done; start a new job instead.",
    ("discard", "running"): "it is running; cancel it first, then discard it.",
}


def check(job: str, status: str, asked: str, request: str) -> None:
    """``InputError`` if a job cannot do ``request`` in its ``status``, given what it has been ``asked`` before."""
    refusal = REFUSALS.get((request, status))
    if request in ("pause", "cancel") and status in ENDED:
        refusal = f"it has ended already ({status})."
    if request == "resume" and status == "running" and asked == "pause":
        refusal = None  # it takes the pause back
    if request == "resume" and status == "running" and asked == "cancel":
        refusal = "it is being cancelled; resume it when it has stopped."
    if refusal:
        raise InputError(f"Job {job} cannot be {_past(request)}: {refusal}")


def outcome(ended: str, code: int | None, asked: str) -> Ending:
    """How a job stands whose worker is gone: what it said itself, else its exit code (None: unknown, below 0: killed)."""
    if ended in ENDINGS:
        return ENDINGS[ended]
    by_code: dict[int | None, Ending] = {0: "done", PAUSED: "paused", CANCELLED: "cancelled"}
    if code in by_code:
        return by_code[code]
    if asked == "cancel":
        return "cancelled"
    return "interrupted" if code is None or code < 0 else "failed"


def last_words(status: str, said: str, log: list[str]) -> str:
    """One sentence about a worker's end; empty where there is nothing to say."""
    if status not in ("failed", "interrupted"):
        return said
    line = log[-1].strip()[:300] if log else ""
    if status == "interrupted" and not said:
        return (
            f"Its process was stopped from outside; its last line was: {line}" if line else "Its process was stopped."
        )
    return said or line or "It ended without a word."


def ready(jobs: Iterable[Job]) -> Iterator[Job]:
    """Those of ``jobs`` (oldest first) that may start now: one at a time on each device."""
    waiting = list(jobs)
    busy = {device_name(job.device) for job in waiting if job.status == "running"}
    for job in waiting:
        name = device_name(job.device)
        if job.status == "queued" and name not in busy:
            busy.add(name)
            yield job


def device_name(device: str) -> str:
    """One name for one device: ``cuda`` is ``cuda:0``."""
    return device if ":" in device or device in ("", "cpu") else f"{device}:0"


def _past(request: str) -> str:
    return {"pause": "paused", "cancel": "cancelled", "resume": "resumed", "discard": "discarded"}[request]
