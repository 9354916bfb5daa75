"""One background thread that runs generators in turn: work belongs to the server, pages and commands only watch it.

A task is a generator of frozen records. The thread keeps its newest record, so that any number of watchers can look at it,
leave and come back. Cancelling sets a flag that the generator asks for at every step.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Literal

from t2ialign.types import InputError

Cancelled = Callable[[], bool]
Status = Literal["queued", "running", "done", "cancelled", "failed"]
FINISHED = frozenset({"done", "cancelled", "failed"})
KEEP = 64
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineTask:
    """A task as its watchers see it: ``record`` is the newest that the generator gave, ``error`` one sentence if it failed."""

    key: str
    status: Status = "queued"
    record: Any = None
    error: str = ""

    @property
    def finished(self) -> bool:
        return self.status in FINISHED


class LocalEngine:
    """Runs submitted generators one after another on a daemon thread (one device, one task at a time).

    ``around`` is entered for each task while it runs: what tells others to keep off meanwhile.
    """

    def __init__(self, around: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        self._around = around
        self._tasks: OrderedDict[str, EngineTask] = OrderedDict()
        self._cancelled: dict[str, threading.Event] = {}
        self._changed = threading.Condition()
        self._queue: queue.SimpleQueue[tuple[str, Callable[[Cancelled], Iterator[Any]]]] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="t2ialign-engine", daemon=True).start()

    def submit(self, key: str, start: Callable[[Cancelled], Iterator[Any]]) -> None:
        """Queue a generator under a key; ``start(cancelled)`` makes it when its turn comes. A key still at work is kept."""
        with self._changed:
            known = self._tasks.get(key)
            if known is not None and not known.finished:
                return
            self._tasks[key] = EngineTask(key)
            self._tasks.move_to_end(key)
            self._cancelled[key] = threading.Event()
            self._forget_old()
        self._queue.put((key, start))

    def look(self, key: str) -> EngineTask | None:
        """The task as it stands, or None where this process never had it."""
        with self._changed:
            return self._tasks.get(key)

    def cancel(self, key: str) -> None:
        """Ask a task to stop at its next step; one that still waits never starts."""
        with self._changed:
            if key in self._cancelled:
                self._cancelled[key].set()
                if self._tasks[key].status == "queued":
                    self._put(key, status="cancelled")

    def ahead_of(self, key: str) -> int:
        """How many unfinished tasks stand before this one."""
        waiting = self.unfinished()
        return waiting.index(key) if key in waiting else 0

    def unfinished(self) -> tuple[str, ...]:
        """The keys of the tasks that wait or work, in their order."""
        with self._changed:
            return tuple(task.key for task in self._tasks.values() if not task.finished)

    def wait(self, key: str, timeout: float | None = None) -> EngineTask | None:
        """Block until the task has finished, or the timeout has passed."""
        with self._changed:
            self._changed.wait_for(lambda: key not in self._tasks or self._tasks[key].finished, timeout)
            return self._tasks.get(key)

    def _put(self, key: str, **changes: Any) -> None:
        self._tasks[key] = replace(self._tasks[key], **changes)
        self._changed.notify_all()

    def _forget_old(self) -> None:
        finished = [key for key, task in self._tasks.items() if task.finished]
        for key in finished[: max(0, len(self._tasks) - KEEP)]:
            del self._tasks[key], self._cancelled[key]

    def _work(self) -> None:
        while True:
            key, start = self._queue.get()
            with self._changed:
                if self._tasks[key].finished:
                    continue
                self._put(key, status="running")
            self._run(key, start)

    def _run(self, key: str, start: Callable[[Cancelled], Iterator[Any]]) -> None:
        cancelled = self._cancelled[key].is_set
        try:
            with self._around():
                for record in start(cancelled):
                    with self._changed:
                        self._put(key, record=record)
        except InputError as error:
            self._finish(key, "failed", str(error))
        except (
            Exception
        ) as error:  # the thread must outlive any task; the person gets a sentence, the log the traceback
            _log.exception("task %s failed", key)
            self._finish(key, "failed", f"Something went wrong in the program: {type(error).__name__}: {error}")
        else:
            self._finish(key, "cancelled" if cancelled() else "done")

    def _finish(self, key: str, status: Status, error: str = "") -> None:
        with self._changed:
            self._put(key, status=status, error=error)
