"""Jobs, and what their workers measured: a row for each, changed only when its status does.

Between two changes a job's progress is in its folder (``jobs.folder``). Steps and probes come through the inbox and are
keyed by job and step, the newest record wins: a step that was done twice, or arrives twice, is stored once. A discarded
job keeps a hidden row, so that what still comes from it is not taken.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa

from t2ialign.codec import encode
from t2ialign.job_record import Job, JobStatus, read_job
from t2ialign.store.connection import Cursor
from t2ialign.store.database import Store, insert
from t2ialign.types import InputError

NEWEST = "DO UPDATE SET record = excluded.record, written = excluded.written WHERE excluded.written >= written"


def add_job(store: Store, job: Job) -> None:
    """Write a job down; one that is there stays as it is."""
    with store.transaction() as cursor:
        insert(cursor, "jobs", [_row(job)])


def update_job(store: Store, job: Job) -> None:
    """Write down how a job stands now."""
    with store.transaction(()) as cursor:
        sql = "UPDATE jobs SET status = $status, record = $record, request = $request WHERE job = $job"
        row = _row(job)
        cursor.execute(sql, {name: row[name] for name in ("job", "status", "record", "request")}).fetchall()


def list_jobs(store: Store, statuses: Sequence[JobStatus] = (), kind: str = "", parent: str = "") -> list[Job]:
    """Jobs, oldest first: of these statuses (all but the discarded if none are given), this kind, this parent."""
    sql = """
        SELECT record, request FROM jobs WHERE list_contains($statuses::VARCHAR[], status) AND $kind IN ('', kind)
        AND $parent IN ('', parent) ORDER BY created, job
    """
    wanted = list(statuses) or [status for status in get_args(JobStatus) if status != "discarded"]
    rows = store.rows(sql, {"statuses": wanted, "kind": kind, "parent": parent})
    return [_job(*row) for row in rows]


def job_of(store: Store, job: str) -> Job:
    """One job by its id; ``InputError`` if there is none."""
    rows = store.rows("SELECT record, request FROM jobs WHERE job = ? AND status <> 'discarded'", [job])
    if not rows:
        raise InputError(f"There is no job {job[:40]!r} in this store: `t2ialign jobs list` names those there are.")
    return _job(*rows[0])


def discard_job(store: Store, job: str) -> None:
    """Hide a job and delete what its worker measured."""
    with store.transaction() as cursor:
        for table in ("train_steps", "probes"):
            cursor.execute(f"DELETE FROM {table} WHERE job = ?", [job]).fetchall()
        cursor.execute("UPDATE jobs SET status = 'discarded' WHERE job = ?", [job]).fetchall()


def discarded_jobs(store: Store) -> list[str]:
    return [job for (job,) in store.rows("SELECT job FROM jobs WHERE status = 'discarded'")]


def train_steps(store: Store, job: str, after: int = -1) -> list[dict[str, Any]]:
    """The records of a job's training steps beyond ``after``, in their order."""
    return _records(store, "train_steps", job, after)


def probes(store: Store, job: str, after: int = -1) -> list[dict[str, Any]]:
    """The records of a job's fixed-seed batches beyond step ``after``, in the order of their steps."""
    return _records(store, "probes", job, after)


def measurements(job: str, records: Iterable[Mapping[str, Any]], written: Iterable[float]) -> pa.Table:
    """Records with a ``step`` as a shard of the inbox; ``written`` (seconds since 1970) says which one of two is newer."""
    rows = [
        {"job": job, "step": int(record["step"]), "written": moment, "record": json.dumps(record)}
        for record, moment in zip(records, written)
    ]
    schema = {"job": pa.string(), "step": pa.int64(), "written": pa.float64(), "record": pa.string()}
    return pa.Table.from_pylist(rows, schema=pa.schema(schema))


def take_train_steps(home: Path, cursor: Cursor, table: pa.Table) -> None:
    _take(cursor, "train_steps", table)


def take_probes(home: Path, cursor: Cursor, table: pa.Table) -> None:
    _take(cursor, "probes", table)


def now() -> datetime:
    return datetime.now(UTC)


def _take(cursor: Cursor, name: str, table: pa.Table) -> None:
    """Store measurements, the newest for each step; those of discarded jobs are dropped."""
    gone = {job for (job,) in cursor.execute("SELECT job FROM jobs WHERE status = 'discarded'").fetchall()}
    newest = {}
    for row in sorted(table.to_pylist(), key=lambda row: row["written"]):
        if row["job"] not in gone:
            newest[row["job"], row["step"]] = row
    insert(cursor, name, list(newest.values()), NEWEST)


def _records(store: Store, table: str, job: str, after: int) -> list[dict[str, Any]]:
    sql = f"SELECT record FROM {table} WHERE job = ? AND step > ? ORDER BY step"
    return [json.loads(record) for (record,) in store.rows(sql, [job, after])]


def _job(record: str, request: str) -> Job:
    return read_job({**json.loads(record), "request": json.loads(request)})


def _row(job: Job) -> dict[str, Any]:
    record = encode(job)
    request = record.pop("request")
    return {
        "job": job.id,
        "created": job.created.replace(tzinfo=None),
        "status": job.status,
        "kind": job.kind,
        "parent": job.parent,
        "record": json.dumps(record),
        "request": json.dumps(request),
    }
