from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from t2ialign.codec import encode
from t2ialign.job_record import read_job
from t2ialign.store import (
    Job,
    JobProgress,
    Store,
    add_job,
    inbox,
    ingest_inbox,
    job_of,
    list_jobs,
    list_set_aside,
    probes,
    train_steps,
    update_job,
)
from t2ialign.store.jobs import discard_job, measurements
from t2ialign.types import InputError


def job(name: str = "align-1", day: int = 1, **changes) -> Job:
    return Job(name, "A title", changes.pop("kind", "align"), "cpu", ("align", "f_dpo"), moment(day), **changes)


def moment(day: int) -> datetime:
    return datetime(2026, 1, day, 12, 30, 15, 250_000, tzinfo=UTC)


def test_a_job_comes_back_as_it_was(store: Store):
    progress = JobProgress("training", 0.5, None, 7, 123.25)
    whole = job(parent="align-0", started=moment(2), attempt=2, pid=11, born=99.5, message="m", progress=progress)
    add_job(store, whole)
    add_job(store, job(message="another one of this name"))
    assert job_of(store, "align-1") == whole
    assert read_job(encode(whole)) == whole
    assert read_job({**encode(whole), "of_the_future": 1}) == whole


def test_jobs_are_listed_by_age_status_kind_and_parent(store: Store):
    for name, day, status, kind in [("b", 2, "queued", "align"), ("a", 3, "done", "align"), ("c", 1, "done", "audit")]:
        add_job(store, job(name, day, status=status, kind=kind, parent="p" if kind == "audit" else ""))
    assert [found.id for found in list_jobs(store)] == ["c", "b", "a"]
    assert [found.id for found in list_jobs(store, ("done",))] == ["c", "a"]
    assert [found.id for found in list_jobs(store, kind="align")] == ["b", "a"]
    assert [found.id for found in list_jobs(store, parent="p")] == ["c"]
    with pytest.raises(InputError, match="There is no job 'x' in this store"):
        job_of(store, "x")


def test_a_status_changes_and_must_be_known(store: Store):
    add_job(store, job())
    for status in ("running", "paused", "queued", "running", "done"):
        update_job(store, job(status=status, pid=5))
        assert (job_of(store, "align-1").status, job_of(store, "align-1").pid) == (status, 5)
        assert [found.status for found in list_jobs(store, (status,))] == [status]


def post(store: Store, kind: str, name: str, records: list[dict], written: list[float]) -> None:
    inbox.post_shard(store.home, kind, measurements(name, records, written), name)
    assert ingest_inbox(store) == 1


@pytest.mark.parametrize(("kind", "read"), [("train_steps", train_steps), ("probes", probes)])
def test_a_step_is_stored_once_and_the_newest_stays(store: Store, kind: str, read):
    post(store, kind, "align-1", [{"step": 2, "loss": 0.2}, {"step": 1, "loss": 0.1}], [10.0, 9.0])
    post(store, kind, "align-1", [{"step": 2, "loss": 2.0}, {"step": 3, "loss": 0.3}], [20.0, 21.0])
    post(store, kind, "align-1", [{"step": 2, "loss": 0.2}, {"step": 1, "loss": 0.1}], [10.0, 9.0])
    post(store, kind, "align-2", [{"step": 1, "loss": 7.0}, {"step": 1, "loss": 8.0}], [2.0, 1.0])
    assert read(store, "align-1") == [{"step": s, "loss": loss} for s, loss in ((1, 0.1), (2, 2.0), (3, 0.3))]
    assert read(store, "align-1", after=2) == [{"step": 3, "loss": 0.3}]
    assert read(store, "align-2") == [{"step": 1, "loss": 7.0}]


def test_a_discarded_job_is_gone_and_stays_so(store: Store):
    add_job(store, job())
    post(store, "train_steps", "align-1", [{"step": 1}], [1.0])
    discard_job(store, "align-1")
    assert (list_jobs(store), train_steps(store, "align-1")) == ([], [])
    post(store, "train_steps", "align-1", [{"step": 2}], [2.0])
    add_job(store, job())
    assert (list_jobs(store), train_steps(store, "align-1")) == ([], [])


def test_a_shard_of_another_layout_is_set_aside(store: Store):
    inbox.post_shard(store.home, "train_steps", pa.table({"step": [1]}), "w")
    assert ingest_inbox(store) == 0
    assert len(list_set_aside(store)) == 1
