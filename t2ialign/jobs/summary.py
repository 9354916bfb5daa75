"""What a job's files say about it, for processes that cannot open the store because another one holds it. Imports little."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from t2ialign.job_record import Job
from t2ialign.jobs import process, transitions
from t2ialign.jobs.folder import JobFolder, find_folders
from t2ialign.types import InputError

_log = logging.getLogger(__name__)


def summary_of(folder: JobFolder) -> Job:
    """A job with what its worker said last and how it really stands now; ``InputError`` where its record cannot be read."""
    job, state = folder.spec(), folder.state()
    if job.status != "running":
        return job
    asked = folder.asked()
    alive = process.is_alive(job.pid, job.born, folder.id) or process.beats_elsewhere(state)
    if not alive:
        status = transitions.outcome(state.ended, None, asked)
        job = replace(job, status=status, message=transitions.last_words(status, state.message, folder.tail(5)))
    heard = asked if asked in ("pause", "cancel") and alive else ""
    return replace(job, progress=state.progress(), asked=heard)


def summaries_of(home: Path) -> list[Job]:
    """All jobs, oldest first. Of those whose record cannot be read a warning tells."""
    return sorted(_readable(home), key=lambda job: (job.created.replace(tzinfo=None), job.id))


def in_words(job: Job) -> str:
    """One line about a job: ``align-3f9a1c  running   training 42%, about 60 s to go   cpu  A title``."""
    progress = job.progress
    state = f"{job.status} ({job.asked} asked)" if job.asked else job.status
    far = f"{progress.phase} {progress.fraction:.0%}" if progress.phase and job.status != "queued" else ""
    if job.status == "running" and progress.remaining:
        since = max(0.0, time.time() - progress.heartbeat)
        far += f", about {max(0.0, progress.remaining - since):.0f} s to go"
    return f"{job.id:<16} {state:<24} {far:<36} {job.device:<8} {job.title}"


def _readable(home: Path) -> Iterator[Job]:
    for folder in find_folders(home):
        try:
            yield summary_of(folder)
        except InputError as error:
            _log.warning("%s", error)
