"""The same command on several devices at once: a process for each, which does its share and loads its own models."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from t2ialign import settings
from t2ialign.types import InputError

Item = TypeVar("Item")
PERCENT = re.compile(r"(\d{1,3})%")
SECONDS = 0.5


def share(items: Sequence[Item]) -> tuple[Item, ...]:
    """Of a list of work what is this process': every so-manieth, so that neighbours are spread; all of it for a lone one."""
    index, of = settings.part()
    return tuple(items[index::of])


@dataclass
class _Worker:
    """One process, how far it says it is, and its last line."""

    device: str
    process: subprocess.Popen[str]
    fraction: float = 0.0
    last: str = ""
    reader: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stderr or ():  # universal newlines: a progress line ends with its carriage return
            if found := PERCENT.search(line):
                self.fraction = int(found[1]) / 100
            self.last = line.strip() or self.last


def run_on(devices: Sequence[str], command: Sequence[str]) -> Iterator[float]:
    """Runs a command once on each device and yields how far all are together; it ends when the last one does.

    Raises:
        InputError: one of them failed; what it said last. The others are stopped.
    """
    if not devices:
        raise InputError("Name at least one device, as cuda:0,cuda:1.")
    workers: list[_Worker] = []
    try:
        for index, device in enumerate(devices):
            own = {"T2IALIGN_DEVICE": device, "T2IALIGN_PART": f"{index}/{len(devices)}"}
            process = subprocess.Popen(
                command, env={**os.environ, **own}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            )
            workers.append(_Worker(device, process))
        while True:
            ended = [one.process.poll() is not None for one in workers]
            for one in workers:
                if one.process.poll():
                    one.reader.join(1)
                    raise InputError(f"On {one.device}: {one.last.removeprefix('t2ialign: ') or 'it ended at once'}")
            yield sum(1.0 if one.process.poll() == 0 else one.fraction for one in workers) / len(workers)
            if all(ended):
                return
            time.sleep(SECONDS)
    finally:
        for one in workers:
            if one.process.poll() is None:
                one.process.terminate()
