"""People come first: while the page draws for somebody, a sweep in a process of its own waits, at its very next step.

The app holds a file lock while its engine is at work; the worker looks at it at every step. The system frees the lock with
the process that held it, so nobody ever waits for an app that was killed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

LOOK = 0.1  # seconds between two looks while somebody is served


@contextmanager
def serving(home: Path) -> Iterator[None]:
    """While this block lasts, sweeps on this store wait. One process at a time: it waits for another that serves too."""
    lock = _lock(home)
    lock.acquire(poll_interval=0.02)
    try:
        yield
    finally:
        lock.release()


def is_serving(home: Path) -> bool:
    """Whether an app is at work for somebody now."""
    lock = _lock(home)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        return True
    lock.release()
    return False


def give_way(home: Path, stop: Callable[[], bool], waiting: Callable[[], None] = lambda: None) -> float:
    """Waits while somebody is served, or until ``stop``; says ``waiting`` once and returns the seconds that it took."""
    begun, said = time.monotonic(), False
    while is_serving(home) and not stop():
        if not said:
            waiting()
            said = True
        time.sleep(LOOK)
    return time.monotonic() - begun if said else 0.0


def _lock(home: Path) -> filelock.BaseFileLock:
    (home / "jobs").mkdir(parents=True, exist_ok=True)
    return filelock.FileLock(home / "jobs" / "serving.lock", thread_local=False)
