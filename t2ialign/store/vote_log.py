"""The votes' append-only shards: ``HOME/votes/<study>.jsonl``, one JSON record a line, on disk before anybody is thanked.

A line is appended within the transaction that stores its row. Whatever is killed when: a line without its row is taken
in at the next opening, a torn last line was never acknowledged, and a record's id makes it count once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from t2ialign.files import write_whole
from t2ialign.store.errors import in_plain_words

Record = Mapping[str, Any]


def shard_of(home: Path, study: str) -> Path:
    """The shard's file; ``study`` is an id that this store has made."""
    return home / "votes" / f"{study}.jsonl"


def append(home: Path, study: str, records: Iterable[Record]) -> None:
    """Append lines and sync them to disk; a line that a crash tore is ended first. Call it under the write lock."""
    path = shard_of(home, study)
    data = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()
    with in_plain_words(home):
        path.parent.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        with path.open("ab") as file:
            file.write(data if _whole(path) else b"\n" + data)
            file.flush()
            os.fsync(file.fileno())
        if new:
            _sync_folder(path.parent)


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a shard in the order they were written, without lines that a crash tore."""
    with path.open("rb") as file:
        for line in file:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield record


def rewrite(home: Path, study: str, keep: Callable[[Record], bool]) -> None:
    """Drop the records that are not to be kept, in one atomic step. Call it under the write lock."""
    path = shard_of(home, study)
    kept = [record for record in read(path) if keep(record)]
    data = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in kept).encode()
    with in_plain_words(home):
        write_whole(path, data, sync=True)


def _whole(path: Path) -> bool:
    """Whether the file is empty or ends with a line's end."""
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _sync_folder(folder: Path) -> None:
    """Make a new file's name durable too (POSIX; elsewhere folders cannot be synced, and need not be)."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
