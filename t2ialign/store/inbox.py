"""The inbox: how other processes' results reach the store, which only its owner may open.

A worker writes ``inbox/<worker>-<uuid>.parquet`` under a temporary name and renames it; picture files it writes as the
owner would. The owner takes each shard in one transaction together with its name, then deletes it: whatever is killed
when, a shard counts once. Small shards share a transaction, for ending one costs as much as filling it. One that cannot be
read is set aside with the reason, and the others go on.
"""

from __future__ import annotations

import io
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from t2ialign.files import write_whole
from t2ialign.store import benchmarks, jobs
from t2ialign.store.connection import Cursor
from t2ialign.store.database import Store
from t2ialign.store.errors import in_plain_words
from t2ialign.store.records import CellRecord, from_table, to_table
from t2ialign.store.writing import insert_records
from t2ialign.types import InputError

KIND = b"t2ialign.kind"
TOGETHER = 32 << 20  # bytes of shards in a transaction: others who write wait for a second or two at most


def _take_cells(home: Path, cursor: Cursor, table: pa.Table) -> None:
    insert_records(home, cursor, from_table(table))


def _take_benchmark(home: Path, cursor: Cursor, table: pa.Table) -> None:
    benchmarks.take_benchmark(cursor, table)


KINDS: dict[str, Callable[[Path, Cursor, pa.Table], None]] = {
    "cells": _take_cells,
    "benchmark": _take_benchmark,
    "train_steps": jobs.take_train_steps,
    "probes": jobs.take_probes,
}
"""What shards may hold, and who takes it in. Another kind of result is one function and one line here."""
OF_JOBS = ("train_steps", "probes")  # nothing that is remembered stands on these


def post(home: Path, records: Sequence[CellRecord], worker: str) -> Path:
    """Leave cells (``record_batch``, ``record_scores``) for the owner of the store in ``home``; needs no open store."""
    return post_shard(home, "cells", to_table(records), worker)


def post_shard(home: Path, kind: str, table: pa.Table, worker: str) -> Path:
    """Leave a table of any kind for the owner; on return it is on disk."""
    path = home / "inbox" / f"{re.sub(r'[^0-9A-Za-z_-]', '-', worker)[:40]}-{uuid.uuid4().hex}.parquet"
    with in_plain_words(home):
        write_whole(path, parquet(table, kind), sync=True)
    return path


def ingest_inbox(store: Store) -> int:
    """Take in every shard that waits; returns how many. Safe to call from any thread at any time."""
    if store.read_only:
        return 0
    with in_plain_words(store.home):
        return sum(_take_together(store, paths) for paths in _groups(store.home / "inbox"))


def list_set_aside(store: Store) -> list[str]:
    """A sentence for each file that could not be taken in, newest first."""
    return [reason for (reason,) in store.rows("SELECT reason FROM set_aside ORDER BY noticed DESC, path")]


def parquet(table: pa.Table, kind: str) -> bytes:
    """A table as a Parquet file that says what kind of records it holds."""
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({KIND: kind.encode()}), buffer, compression="zstd")
    return buffer.getvalue()


def take(store: Store, name: str, data: bytes) -> bool:
    """Store the records of a Parquet file unless a file of this name has been taken; all of it or nothing."""
    with store.transaction(_changed(_kind(data))) as cursor:
        return _insert(store, cursor, name, data)


def note(store: Store, name: str, reason: str) -> None:
    """Write down, once, why a file could not be taken."""
    with store.transaction() as cursor:
        cursor.execute(
            "INSERT INTO set_aside VALUES (?, ?, ?) ON CONFLICT DO NOTHING", [name, reason, _now()]
        ).fetchall()


def _insert(store: Store, cursor: Cursor, name: str, data: bytes) -> bool:
    once = "INSERT INTO ingested VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING path"
    new = bool(cursor.execute(once, [name, _now()]).fetchall())
    if new:
        KINDS[_kind(data)](store.home, cursor, pq.read_table(io.BytesIO(data)))
    return new


def _kind(data: bytes) -> str:
    """What a shard's file says that it holds."""
    kind: str = (pq.read_schema(io.BytesIO(data)).metadata or {}).get(KIND, b"").decode()
    if kind not in KINDS:
        raise ValueError(f"it holds {kind or 'something'!r}, which this version does not know")
    return kind


def _changed(*kinds: str) -> tuple[()] | None:
    """What ``Store.transaction`` is told: no prompt's cells, where only jobs have written."""
    return () if all(kind in OF_JOBS for kind in kinds) else None


def _groups(inbox: Path) -> Iterator[list[Path]]:
    """What waits, in its order, as lists of shards that are small enough together."""
    group: list[Path] = []
    size = 0
    for path in sorted(inbox.glob("*.parquet")):
        with suppress(FileNotFoundError):  # another thread has just taken it
            more = path.stat().st_size
            if group and size + more > TOGETHER:
                yield group
                group, size = [], 0
            group, size = [*group, path], size + more
    if group:
        yield group


def _take_together(store: Store, paths: Sequence[Path]) -> int:
    """Shards in one transaction, or each in its own where one of them cannot be taken; returns how many were new."""
    if len(paths) > 1:
        try:
            shards = [
                (path.name, path.read_bytes()) for path in paths
            ]  # here, where a missing one is no trouble of the store
            with store.transaction(_changed(*(_kind(data) for _, data in shards))) as cursor:
                new = sum([_insert(store, cursor, name, data) for name, data in shards])
        except InputError:  # the store's own trouble (a full disk): the shards wait
            raise
        except Exception:  # whichever it was says so when it comes alone
            return sum(_take(store, path) for path in paths)
        for path in paths:
            path.unlink(missing_ok=True)
        return new
    return sum(_take(store, path) for path in paths)


def _take(store: Store, path: Path) -> bool:
    try:
        new = take(store, path.name, path.read_bytes())
    except FileNotFoundError:  # another thread has just taken it
        return False
    except InputError:  # the store's own trouble (a full disk): the shard waits
        raise
    except Exception as error:  # a shard that others wrote can be wrong in any way
        aside = path.parent / "set_aside" / path.name
        aside.parent.mkdir(exist_ok=True)
        said = str(error).partition("\n")[0]
        note(store, path.name, f"{path.name} could not be read ({said}) and was set aside as {aside}.")
        with suppress(FileNotFoundError):
            path.replace(aside)
        return False
    path.unlink(missing_ok=True)
    return new


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
