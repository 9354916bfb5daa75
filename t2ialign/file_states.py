"""Whether folders hold what they held: for whoever would read the same small files again and again."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

RESTED_NS = (
    2 * 10**9
)  # what changed since then may change again without another time: clocks of file systems are coarse
State = tuple[
    str, int, int, int
]  # its path, inode, bytes and when it was changed last (ctime: also by a rename or chmod)
Standing = tuple[State, ...]


def standing(folders: Iterable[Path], within: str) -> Standing | None:
    """The state of each folder, of all in it, and of the file called ``within`` in those; None where one changed just now."""
    found = tuple(state for folder in folders for state in _states(os.fspath(folder), within))
    newest = max((changed for *_, changed in found), default=0)
    return found if abs(time.time_ns() - newest) > RESTED_NS else None


def _states(folder: str, within: str) -> Iterator[State]:
    yield from _state(folder)
    try:
        names = sorted(os.listdir(folder))
    except OSError:  # there is none, or it cannot be read
        return
    for name in names:
        yield from _state(path := os.path.join(folder, name))
        yield from _state(os.path.join(path, within))


def _state(path: str) -> Iterator[State]:
    try:
        found = os.stat(path)
    except OSError:  # there is none, it is gone by now, or a link to nowhere
        return
    yield path, found.st_ino, found.st_size, found.st_ctime_ns
