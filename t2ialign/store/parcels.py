"""A cell's files as one Parquet file, for machines that share no disk: what an inbox waits for, with its pictures.

A parcel has a row a file: its path below a store's folder, and its bytes. Only paths that a store has are taken out again.
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from t2ialign.files import write_whole
from t2ialign.store import images
from t2ialign.store.errors import in_plain_words
from t2ialign.store.notes import noted
from t2ialign.types import InputError

SCHEMA = pa.schema({"path": pa.string(), "data": pa.binary()})
SHARD, PICTURE = re.compile(r"inbox/[0-9A-Za-z_-]{1,80}\.parquet"), re.compile(r"images/[0-9a-f]{2}/[0-9a-f]{64}\.webp")
NOTE = re.compile(r"training/cells/[0-9a-f]{1,64}\.parquet")
FOLDERS = ("inbox", "images", "training/cells")


def files_in(home: Path) -> list[Path]:
    """The files of a store's folder that a parcel may carry."""
    return sorted(path for name in FOLDERS for path in (home / name).rglob("*") if path.is_file())


def pack(home: Path, files: Iterable[Path]) -> bytes:
    """Files of a store's folder as a parcel."""
    rows = [{"path": path.relative_to(home).as_posix(), "data": path.read_bytes()} for path in files]
    buffer = io.BytesIO()
    pq.write_table(
        pa.Table.from_pylist(rows, SCHEMA), buffer, compression="none"
    )  # pictures and shards are packed already
    return buffer.getvalue()


def pack_cell(home: Path, cell: str) -> bytes:
    """What was noted of a cell, with its pictures; empty where there is nothing."""
    record = noted(home, cell)
    if record is None:
        return b""
    files = [home / "training" / "cells" / f"{cell}.parquet"]
    files += [path for picture in record.pictures if (path := images.path_of(home, picture.sha)).is_file()]
    return pack(home, files)


def unpack(home: Path, data: bytes) -> None:
    """Takes a parcel out; shards come last, so that whoever takes one in finds its pictures.

    Raises:
        InputError: it is none, or names files that no parcel has.
    """
    if not data:
        return
    try:
        rows = pq.read_table(io.BytesIO(data)).select(SCHEMA.names).cast(SCHEMA).to_pylist()
    except (pa.ArrowException, KeyError, OSError) as error:
        raise InputError(f"This is no parcel of results ({str(error).partition(chr(10))[0]}).") from error
    for row in sorted(rows, key=lambda row: (bool(SHARD.fullmatch(row["path"] or "")), row["path"])):
        _check(row["path"], row["data"])
        with in_plain_words(home):
            write_whole(home / row["path"], row["data"], sync=bool(SHARD.fullmatch(row["path"])))


def _check(path: str | None, data: bytes | None) -> None:
    known: Collection[re.Pattern[str]] = (SHARD, PICTURE, NOTE)
    if path is None or data is None or not any(kind.fullmatch(path) for kind in known):
        raise InputError(f"A parcel of results has no file {str(path)[:80]!r}: it was made by somebody else.")
