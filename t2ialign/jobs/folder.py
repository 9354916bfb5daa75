"""A job's folder: the files through which owner, worker and command line talk. Light, so that any process can look."""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from t2ialign.codec import decode, encode
from t2ialign.files import write_whole
from t2ialign.job_record import Job, JobProgress, read_job
from t2ialign.types import InputError

JobRequest = Literal["pause", "cancel", "resume", "discard"]
REQUESTS: dict[str, JobRequest] = {request: request for request in get_args(JobRequest)}
LOG_BYTES = 8_000_000  # beyond it, the older part of a log goes
KEPT_BYTES = 1_000_000
TAIL_BYTES = 32_000


@dataclass(frozen=True)
class WorkerState:
    """What a worker said last: who it is, how far (as ``JobProgress``), and, once it has left, how it ``ended`` and why.

    ``pid`` and ``born`` (seconds since 1970) name its process on the machine ``host``; "" and 0 where nobody has said so.
    """

    job: str = ""
    pid: int = 0
    born: float = 0.0
    host: str = ""
    phase: str = ""
    fraction: float = 0.0
    remaining: float | None = None
    pictures: tuple[int, int] = (0, 0)
    step: int = 0
    heartbeat: float = 0.0
    ended: str = ""
    message: str = ""

    def progress(self) -> JobProgress:
        return JobProgress(self.phase, self.fraction, self.remaining, self.step, self.heartbeat, self.pictures)


@dataclass(frozen=True)
class JobFolder:
    """``HOME/jobs/<ID>/``."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    def spec(self) -> Job:
        """The job as its owner wrote it down last, also in an older version; ``InputError`` where the file tells of none."""
        path = self.path / "spec.json"
        try:
            return read_job(_read(path))
        except InputError as error:
            raise InputError(
                f"What is written down about job {self.id} cannot be read. {error} The file is {path}: the page writes "
                f"it anew when it starts, if its store knows the job."
            ) from error

    def told(self) -> Job | None:
        """The job that a file tells of, or None where it tells of none."""
        with suppress(InputError):
            return self.spec()
        return None

    def write_spec(self, job: Job) -> None:
        _write(self.path / "spec.json", job, sync=True)

    def state(self) -> WorkerState:
        """What the worker said last; nothing before it has said anything, or where that cannot be read."""
        with suppress(InputError):
            return decode(WorkerState, _read(self.path / "progress.json"), spare=True)
        return WorkerState()

    def write_state(self, state: WorkerState) -> None:
        _write(self.path / "progress.json", state)

    def asked(self) -> JobRequest | Literal[""]:
        with suppress(OSError):
            said = (self.path / "control").read_text().strip()
            return REQUESTS.get(said, "")
        return ""

    def asked_ago(self) -> float:
        """Seconds since the standing request was written, 0 without one."""
        with suppress(OSError):
            return max(0.0, time.time() - (self.path / "control").stat().st_mtime)
        return 0.0

    def ask(self, request: JobRequest) -> None:
        """Write down what somebody asks of the job; asking for the same again keeps the time of the first request."""
        if self.asked() != request:
            write_whole(self.path / "control", request.encode())

    def forget_wish(self) -> None:
        (self.path / "control").unlink(missing_ok=True)

    def tail(self, lines: int = 40) -> list[str]:
        """The log's last lines; of a line that was overwritten (a progress bar), what one saw at the end."""
        with suppress(OSError), self.log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            text = file.read().decode(errors="replace").replace("\r\n", "\n")
            shown = (line.rstrip("\r").rpartition("\r")[2].rstrip() for line in text.split("\n"))
            return [line for line in shown if line][-lines:]
        return []

    def cap_log(self) -> None:
        """Cut an overlong log to its last part. What is printed during the cut may be lost, the worker never waits."""
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            with self.log.open("r+b") as file:
                file.seek(-KEPT_BYTES, os.SEEK_END)
                kept = file.read()
                file.seek(0)
                file.write(b"(the beginning of this log was cut)\n" + kept.partition(b"\n")[2])
                file.truncate()

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def folder_of(home: Path, job: str) -> JobFolder:
    """The folder of a job, made if need be; ``InputError`` for an id that is no folder's name."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", job):
        raise InputError(f"{job[:40]!r} is no job's id: an id has letters, digits, - and _ only.")
    folder = JobFolder(home / "jobs" / job)
    folder.path.mkdir(parents=True, exist_ok=True)
    return folder


def find_folders(home: Path) -> Iterator[JobFolder]:
    """The folders of all jobs that have a spec."""
    return (JobFolder(path.parent) for path in sorted((home / "jobs").glob("*/spec.json")))


def find_folder(home: Path, job: str) -> JobFolder:
    """The folder of a job by its id, or by the beginning of its id if that is nobody else's."""
    known = {folder.id: folder for folder in find_folders(home)}
    meant = [job] if job in known else [name for name in known if job and name.startswith(job)]
    if len(meant) == 1:
        return known[meant[0]]
    raise InputError(_unknown(job, meant, list(known)))


def _write(path: Path, record: Job | WorkerState, sync: bool = False) -> None:
    """Replace a file in one step: who reads it sees the old or the new one, whole."""
    write_whole(path, json.dumps(encode(record)).encode(), sync)


def _unknown(job: str, meant: list[str], known: list[str]) -> str:
    if meant:
        return f"Several jobs begin with {job[:40]!r}: say which of {', '.join(meant)}."
    if not known:
        return f"There is no job {job[:40]!r}: this store has had no jobs yet."
    near = difflib.get_close_matches(job, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else "`t2ialign jobs list` names those there are."
    return f"There is no job {job[:40]!r}: {hint}"


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):  # not there yet, or damaged by a power cut
        return {}
    return record if isinstance(record, dict) else {}
