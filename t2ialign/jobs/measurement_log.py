"""What a worker measures, written down at once and sent to the store's inbox in batches.

A line is in the file before ``append`` returns, so kill -9 loses none; a worker that starts again sends every line once
more, and the store, keyed by job and step, keeps the newest.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from t2ialign.jobs.folder import JobFolder


class MeasurementLog:
    """One kind of records, each with a ``step``, of one job."""

    def __init__(self, home: Path, folder: JobFolder, kind: str, file: str) -> None:
        self._home, self._job, self._kind = home, folder.id, kind
        self._path = folder.path / file
        self._lines = _whole_lines(self._path)
        self._file = self._path.open("ab", buffering=0)

    def append(self, record: Mapping[str, Any]) -> None:
        """Write a record down. What JSON does not know is kept as text."""
        line = json.dumps({"written": time.time(), "record": record}, default=str).encode() + b"\n"
        self._file.write(line)
        self._lines.append(line)

    def post(self) -> None:
        """Send what has not been sent by this process; on return it is on disk."""
        if not self._lines:
            return
        from t2ialign.store.inbox import post_shard
        from t2ialign.store.jobs import measurements

        os.fsync(self._file.fileno())
        count = len(self._lines)
        entries = [entry for line in self._lines[:count] if (entry := _entry(line))]
        table = measurements(self._job, [entry["record"] for entry in entries], [entry["written"] for entry in entries])
        post_shard(self._home, self._kind, table, self._job)
        del self._lines[:count]

    def send_all(self) -> None:
        """Send what a dead worker has left, and close the file."""
        self.post()
        self.close()

    def close(self) -> None:
        self._file.close()


def _entry(line: bytes) -> dict[str, Any]:
    """What a line says; nothing if a power cut has damaged it."""
    with suppress(ValueError):
        entry: dict[str, Any] = json.loads(line)
        return entry
    return {}


def _whole_lines(path: Path) -> list[bytes]:
    """The lines of an earlier start; a last one that was cut short is taken off the file."""
    if not path.exists():
        return []
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        os.truncate(path, len(whole))
    return whole.splitlines(keepends=True)
