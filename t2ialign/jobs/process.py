"""Processes of workers: started apart from the app, recognised after its restart, and stopped with their children.

A worker leads a session of its own, so that Ctrl-C in the app's terminal and the app's end leave it alone, and it carries
its job's id in its environment, which its children inherit. A process is the same one if its id and its moment of birth
are: ids alone are used again.
"""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from t2ialign import settings
from t2ialign.jobs.folder import JobFolder, WorkerState

MARK = "T2IALIGN_JOB"
NICENESS = 10  # on top of the app's own: the page comes first
BIRTH_SECONDS = 2.0  # a clock that is set meanwhile moves a process's birth a little
FRESH_SECONDS = 15.0  # a heartbeat younger than this is a sign of life from another machine


def start(command: Sequence[str], folder: JobFolder, home: Path, device: str) -> subprocess.Popen[bytes]:
    """Start a worker: no input, everything it prints in its log, lower priority, the store and the device as given."""
    known = (None if settings.INSTALLED else str(settings.ROOT), os.environ.get("PYTHONPATH"))
    environment = {name: value for name, value in os.environ.items() if name != "T2IALIGN_OWNER_TOKEN"}
    environment |= {
        "T2IALIGN_HOME": str(home.resolve()),
        "T2IALIGN_DEVICE": device,
        "PYTHONPATH": os.pathsep.join(path for path in known if path),
        "PYTHONUNBUFFERED": "1",
        MARK: folder.id,
    }
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.BELOW_NORMAL_PRIORITY_CLASS}
    with folder.log.open("ab") as log:
        worker = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment, **apart
        )
    if sys.platform != "win32":
        with contextlib.suppress(psutil.Error):
            psutil.Process(worker.pid).nice(min(psutil.Process().nice() + NICENESS, 19))
    return worker


def born(pid: int) -> float:
    """When a process began, in seconds since 1970; 0 if there is none."""
    with contextlib.suppress(psutil.Error):
        return float(psutil.Process(pid).create_time())
    return 0.0


def is_alive(pid: int, birth: float, job: str = "") -> bool:
    """Whether the very process that was born then still runs, or one of that id that carries the job's.

    A clock that was set anew moves the moment of birth of every process; what a process was started with stays: its
    environment, or, where somebody started it by hand, its command line.
    """
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid) if pid > 0 else None
        if process is not None and process.status() != psutil.STATUS_ZOMBIE:
            same = abs(process.create_time() - birth) < BIRTH_SECONDS
            return same or bool(job) and (process.environ().get(MARK) == job or job in process.cmdline())
    return False


def beats_elsewhere(state: WorkerState) -> bool:
    """Whether a worker on another machine (or in another container) that shares this folder has just said something."""
    fresh = abs(time.time() - state.heartbeat) < FRESH_SECONDS  # one of the future is no sign
    return fresh and not state.ended and state.host not in ("", platform.node())


def members(home: Path, job: str = "") -> Iterator[tuple[str, psutil.Process]]:
    """Every living process that works for this store (for one job of it), with its job's id; the oldest first."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            environment = process.environ()
            worked_for = environment.get(MARK, "")
            ours = worked_for and environment.get("T2IALIGN_HOME") == str(home.resolve())
            asleep = process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE
            if ours and not asleep and job in ("", worked_for):
                found.append((process.create_time(), worked_for, process))
    for _, worked_for, process in sorted(found, key=lambda entry: entry[0]):
        yield worked_for, process


def leads(process: psutil.Process) -> bool:
    """Whether a process is a worker itself and not one of its children."""
    with contextlib.suppress(OSError):
        return sys.platform == "win32" or bool(os.getsid(process.pid) == process.pid)
    return False


def stop(home: Path, job: str, at_once: bool = False) -> None:
    """Ask every process of a job to end (SIGTERM); ``at_once`` kills them (SIGKILL)."""
    for _, process in members(home, job):
        with contextlib.suppress(psutil.Error):
            if at_once:
                process.kill()
            else:
                process.terminate()
