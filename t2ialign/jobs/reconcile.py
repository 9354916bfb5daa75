"""A job's row and its folder, kept in agreement, also with the processes that an earlier owner has left."""

from __future__ import annotations

import logging
from dataclasses import replace

from t2ialign.job_record import Job
from t2ialign.jobs import process, transitions
from t2ialign.jobs.folder import JobFolder, find_folders, folder_of
from t2ialign.jobs.measurement_log import MeasurementLog
from t2ialign.store import Store, ingest_inbox
from t2ialign.store.jobs import add_job, discarded_jobs, list_jobs, update_job

_log = logging.getLogger(__name__)


def folder(store: Store, job: Job) -> JobFolder:
    return folder_of(store.home, job.id)


def write(store: Store, job: Job) -> None:
    """Write down how a job stands, in its row and for those who cannot open the store."""
    update_job(store, job)
    folder(store, job).write_spec(job)


def live(store: Store, job: Job) -> Job:
    """A running job with what its worker said last and what has been asked of it; any other as it is."""
    if job.status != "running":
        return job
    files = folder(store, job)
    asked = files.asked()
    return replace(job, progress=files.state().progress(), asked=asked if asked in ("pause", "cancel") else "")


def collect(store: Store, job: Job) -> None:
    """Take in everything that a job's dead worker has measured, also what it could not send any more."""
    files = folder(store, job)
    if not files.state().ended:
        for kind, file in (("train_steps", "steps.jsonl"), ("probes", "probes.jsonl")):
            MeasurementLog(store.home, files, kind, file).send_all()
    ingest_inbox(store)


def reconcile(store: Store) -> None:
    """Make rows, folders and processes agree again, whatever happened to the last owner.

    A lost row comes back from its folder, a worker that still runs is taken over, and one whose job has ended or is not
    known is stopped.
    """
    rows, gone = {job.id: job for job in list_jobs(store)}, discarded_jobs(store)
    for found in find_folders(store.home):
        if found.id in gone:
            found.remove()
        elif found.id not in rows and (job := _told(found)):
            rows[job.id] = job
            add_job(store, job)
    for job in rows.values():
        if folder(store, job).told() != job:
            write(store, job)
    for job_id, worker in process.members(store.home):
        known = rows.get(job_id)
        if known is None or known.status in (*transitions.ENDED, "paused"):
            process.stop(store.home, job_id)
        elif process.leads(worker):
            write(store, replace(known, status="running", pid=worker.pid, born=worker.create_time()))


def _told(found: JobFolder) -> Job | None:
    """The job that a folder tells of, or None where its spec cannot be read."""
    job = found.told()
    if job is None:
        _log.warning("%s tells of no job.", found.path)
    return job
