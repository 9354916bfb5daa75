"""The worker's side of a job: says how far it is, writes down what it measures, and hears what is asked of it.

::

    with Reporter(home, job) as reporter:
        for state in work(reporter.folder):         # goes on from its state.pt, if there is one
            reporter.report(state.phase, state.fraction, state.remaining)
            reporter.step({"step": state.step, ...})
            if reporter.asked():
                save(state)
                reporter.leave()                     # exit code 75 (paused) or 76 (cancelled)

A step is kept from the moment ``step`` returns, so save a state only after its steps have been reported. Light to import.
"""

from __future__ import annotations

import logging
import platform
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NoReturn

import filelock
import psutil

from t2ialign.jobs.folder import WorkerState, folder_of
from t2ialign.jobs.measurement_log import MeasurementLog
from t2ialign.jobs.transitions import CANCELLED, PAUSED
from t2ialign.types import InputError

BEAT = 2.0  # seconds between heartbeats, and between shards of steps
GAP = 0.2  # seconds between two writings of progress.json
_log = logging.getLogger(__name__)


class Reporter:
    """Reports for one job; one process at a time, and only its main process. Use it in a ``with`` block."""

    def __init__(self, home: Path, job_id: str) -> None:
        self._folder = folder_of(home, job_id)
        self.folder = self._folder.path
        self._lock = filelock.FileLock(self.folder / "lock")
        try:
            self._lock.acquire(blocking=False)
        except filelock.Timeout:
            raise InputError(f"Job {job_id} is being worked on by another process: wait for it, or pause it.") from None
        me = psutil.Process()
        self._said = WorkerState(
            job=job_id,
            pid=me.pid,
            born=me.create_time(),
            host=platform.node(),
            phase="starting",
            step=self._folder.state().step,
        )
        self._steps = MeasurementLog(home, self._folder, "train_steps", "steps.jsonl")
        self._probes = MeasurementLog(home, self._folder, "probes", "probes.jsonl")
        self._start: tuple[str, float, float] = ("", 0.0, 0.0)
        self._heard: Literal["", "pause", "cancel"] = ""
        self._written = 0.0
        self._saying = threading.Lock()
        self._posting = threading.Lock()
        self._over = threading.Event()
        self._write()
        self._beating = threading.Thread(target=self._beat, name="t2ialign-heartbeat", daemon=True)
        self._beating.start()

    def report(
        self, phase: str, fraction: float, remaining: float | None = None, pictures: tuple[int, int] = (0, 0)
    ) -> None:
        """How far the work is (0 to 1) and how many seconds it still takes; None: estimated from the phase so far.

        ``pictures``: how many the phase has drawn, and how many it wants; none where it draws none.
        """
        moment = time.monotonic()
        if self._start[0] != phase:
            self._start = (phase, fraction, moment)
        _, first, since = self._start
        if remaining is None and fraction > first:
            remaining = (moment - since) * (1 - fraction) / (fraction - first)
        far: dict[str, Any] = {"fraction": float(fraction), "remaining": remaining, "pictures": pictures}
        self._say(urgent=phase != self._said.phase, phase=phase, **far)

    def step(self, record: Mapping[str, Any]) -> None:
        """Keep the record of a training step, which has a ``step``."""
        self._steps.append(record)
        self._say(step=int(record["step"]))

    def probe(self, record: Mapping[str, Any]) -> None:
        """Keep the record of a fixed-seed batch, which has a ``step``."""
        self._probes.append(record)

    def asked(self) -> Literal["", "pause", "cancel"]:
        """What the owner wants; look at every step. Once heard it stands: who takes it back later starts the job again."""
        request = self._folder.asked()
        if request in ("pause", "cancel"):
            self._heard = request
        elif request == "resume" and not self._heard:  # a pause that was taken back in time
            self._folder.forget_wish()
        return self._heard

    def leave(self) -> NoReturn:
        """End the process as it was asked to, its state saved before."""
        raise SystemExit(CANCELLED if self.asked() == "cancel" else PAUSED)

    def flush(self) -> None:
        """Send everything to the inbox now; on return it is on disk."""
        with self._posting:
            self._steps.post()
            self._probes.post()

    def close(self, ended: str = "", message: str = "") -> None:
        """Send what is left, say how it ended and let go of the folder. Closing twice is closing once."""
        if self._over.is_set():
            return
        self._over.set()
        self._beating.join()
        try:
            self.flush()
        except Exception as error:  # what was measured is still in the folder, and is sent by the next start
            ended, message = _ending(error)
            raise
        finally:
            self._steps.close()
            self._probes.close()
            if {"paused": "pause", "cancelled": "cancel"}.get(ended) == self._folder.asked():
                self._folder.forget_wish()
            self._say(urgent=True, ended=ended, message=message)
            self._lock.release()

    def __enter__(self) -> Reporter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(*_ending(error))

    def _say(self, urgent: bool = False, **said: Any) -> None:
        with self._saying:
            self._said = replace(self._said, **said)
        if urgent or time.monotonic() - self._written > GAP:
            self._write()

    def _write(self) -> None:
        with self._saying:
            self._written = time.monotonic()
            self._folder.write_state(replace(self._said, heartbeat=time.time()))

    def _beat(self) -> None:
        while not self._over.wait(BEAT):
            try:
                self._write()
                self.flush()
            except (OSError, InputError) as error:  # a full disk, say: the work goes on, and this is tried again
                _log.warning("Job %s cannot report: %s", self._folder.id, error)


def _ending(error: BaseException | None) -> tuple[str, str]:
    """The status and the sentence that an exception leaves behind."""
    if error is None or (isinstance(error, SystemExit) and not error.code):
        return "done", ""
    if isinstance(error, SystemExit):
        return "paused" if error.code == PAUSED else "cancelled" if error.code == CANCELLED else "failed", ""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", "It was stopped from the keyboard."
    said = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
    return "failed", said.strip().partition("\n")[0]
