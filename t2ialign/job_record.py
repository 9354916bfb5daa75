"""A job as one record, for whoever may open the store and whoever may not. Imports little.

Before a job kept its request, a training job was stored as its command line alone: ``request_in`` reads those. It is released,
what it makes of a line never changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from t2ialign.codec import decode

JobStatus = Literal["queued", "running", "paused", "interrupted", "done", "cancelled", "failed", "discarded"]
TRAINING = "align"
TEXTS, NUMBERS = ("name", "backbone", "parent", "pairs"), ("steps", "seed")


@dataclass(frozen=True)
class JobProgress:
    """How far a worker is. ``remaining`` in seconds, None where nobody knows; ``heartbeat`` in seconds since 1970.

    ``pictures``: drawn in this phase, and wanted; (0, 0) where it draws none.
    """

    phase: str = ""
    fraction: float = 0.0
    remaining: float | None = None
    step: int = 0
    heartbeat: float = 0.0
    pictures: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Job:
    """A command line with a place in the queue. ``command`` is what follows ``python -m t2ialign``; times are UTC.

    ``request`` is the record that the command line was made from, for kinds of jobs that have one.

    ``attempt`` counts starts since someone last asked for one, ``pid`` and ``born`` (seconds since 1970) name the worker's
    process, ``asked`` is what the worker has been asked and not done yet ("pause", "cancel" or ""), ``message`` one
    sentence about its end.
    """

    id: str
    title: str
    kind: str
    device: str
    command: tuple[str, ...]
    created: datetime
    status: JobStatus = "queued"
    parent: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    attempt: int = 0
    pid: int = 0
    born: float = 0.0
    message: str = ""
    progress: JobProgress = field(default_factory=JobProgress)
    asked: str = ""
    request: Mapping[str, Any] = field(default_factory=dict)


def read_job(record: Mapping[str, Any]) -> Job:
    """A job from its JSON; fields of other versions are left out. ``InputError`` where it is no job's."""
    job = decode(Job, record, "This is no job's record", spare=True)
    return job if "request" in record else replace(job, request=request_in(job.kind, job.command))


def request_in(kind: str, command: Sequence[str]) -> dict[str, Any]:
    """``align f_dpo --name mine --beta=2`` as a training request's record; empty for any other job's line."""
    if kind != TRAINING or len(command) < 2:
        return {}
    words, said = list(command[2:]), {}
    while words:
        name, equals, value = words.pop(0).removeprefix("--").partition("=")
        if not equals:
            value = words.pop(0) if words and not words[0].startswith("--") else "true"
        said[name.replace("-", "_")] = value
    texts = {name: said.pop(name) for name in TEXTS if name in said}
    numbers = {name: int(said.pop(name)) for name in NUMBERS if said.get(name, "").isdecimal()}
    return {"method": command[1], "name": command[1], **texts, **numbers, "options": said}
