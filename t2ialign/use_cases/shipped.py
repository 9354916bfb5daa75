"""The shipped runs and benchmark sets come into a store: before a command goes on, or while a page is served already."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from t2ialign import settings, store
from t2ialign.store import Store
from t2ialign.types import InputError
from t2ialign.use_cases.batches import benchmarks

PATIENCE = 60.0  # seconds after which somebody who waits takes what there is
_log = logging.getLogger(__name__)


def take_shipped(opened: Store) -> None:
    """Takes in what ships with the package and is not in the store yet."""
    store.ingest_reference(opened, settings.DATA / "reference")
    benchmarks.keep_shipped(opened)


@dataclass
class ShippedReading:
    """How far the shipped runs are; ``trouble`` is one sentence if they could not be taken in."""

    files: int = 0
    taken: int = 0
    trouble: str = ""
    _over: threading.Event = field(default_factory=threading.Event)
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def sentence(self) -> str:
        """What a page says of it; empty once everything is there."""
        if self.trouble:
            return f"The shipped results could not be read in: {self.trouble}"
        if self.taken == self.files or self._over.is_set():
            return ""
        return (
            f"The shipped results are being read in, which happens once: {self.taken} of {self.files} files. "
            "The charts are drawn anew when they are there; you can generate pictures meanwhile."
        )

    def wait(self) -> None:
        """Until everything is there, for those who ask only once."""
        if self.sentence and not self.trouble:
            self._over.wait(PATIENCE)

    def read(self, opened: Store, files: list[Path]) -> None:
        """Takes the files in, one after another, until it is told to stop; the others come next time."""
        try:
            for file in files:
                if self._stop.is_set():
                    return
                store.take_reference(opened, file)
                self.taken += 1
        except InputError as error:  # a full disk, say
            _log.warning("The shipped runs could not be read in: %s", error)
            self.trouble = str(error)
        finally:
            self._over.set()

    def stop(self) -> None:
        """Reading ends after the file that it is at."""
        self._stop.set()


@contextmanager
def read_later(opened: Store, afterwards: Callable[[], None]) -> Iterator[tuple[ShippedReading, Callable[[], None]]]:
    """The same in a thread that begins when the second of the two is called, and ends with the block.

    ``afterwards`` is called in that thread when everything is there. Benchmark sets are there at once.
    """
    benchmarks.keep_shipped(opened)
    waiting = store.untaken_reference(opened, settings.DATA / "reference")
    reading = ShippedReading(len(waiting))

    def work() -> None:
        reading.read(opened, waiting)
        afterwards()

    thread = threading.Thread(target=work, name="t2ialign-shipped", daemon=True)
    try:
        yield reading, thread.start
    finally:
        reading.stop()
        if thread.is_alive():
            thread.join()
