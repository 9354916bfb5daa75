"""The owner of all jobs: one background thread that starts workers, watches them, and notices when they are gone.

Stopping the supervisor (or killing it) leaves its workers at work; the next one finds them by process id, birth and the
mark in their environment. A job whose worker did not outlive the app goes on from its last saved state.
"""

from __future__ import annotations

import logging
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

from t2ialign import settings
from t2ialign.job_record import Job
from t2ialign.jobs import process, reconcile, transitions
from t2ialign.jobs.folder import JobFolder, JobRequest, folder_of
from t2ialign.store import Store
from t2ialign.store.jobs import add_job, discard_job, job_of, list_jobs, now
from t2ialign.types import InputError

AUTOMATIC = 3  # starts of one job before it waits for a person
PROGRAM = (sys.executable, "-m", "t2ialign")
_log = logging.getLogger(__name__)


class Supervisor:
    """Jobs of an open store. Every method may be called from any thread at any time; none waits for a worker.

    ``grace``: seconds that a cancelled worker has to stop by itself, and again after it was told to terminate.
    """

    def __init__(
        self, store: Store, program: Sequence[str] = PROGRAM, poll_seconds: float = 1.0, grace: float = 10.0
    ) -> None:
        self._store, self._program, self._poll_seconds, self._grace = store, tuple(program), poll_seconds, grace
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.RLock()
        self._wake, self._over = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def submit(
        self,
        command: Sequence[str],
        title: str,
        kind: str,
        device: str = "",
        parent: str = "",
        request: Mapping[str, Any] | None = None,
    ) -> str:
        """Queue a command line, given as what follows ``python -m t2ialign``; returns the job's id.

        ``--store`` and ``--job`` are added when it starts. ``device``: empty for this machine's own. ``parent``: the id
        of the job that this one continues. ``request``: the record that the command line was made from.
        """
        job = Job(
            id=f"{kind}-{secrets.token_hex(3)}",
            title=title,
            kind=kind,
            device=device or settings.device()[0],
            command=tuple(command),
            created=now(),
            parent=parent,
            request=request or {},
        )
        with self._lock:
            folder_of(self._store.home, job.id).write_spec(job)
            add_job(self._store, job)
        self._wake.set()
        return job.id

    def pause(self, job: str) -> None:
        """Ask a worker to save its state and end; a job that waits stays out of the queue."""
        self._request(job, "pause")

    def cancel(self, job: str) -> None:
        """Ask a worker to stop; after ``grace`` it is terminated, then killed. Its saved state stays until discarded."""
        self._request(job, "cancel")

    def resume(self, job: str) -> None:
        """Queue a job again; its command goes on from its saved state."""
        self._request(job, "resume")

    def discard(self, job: str) -> None:
        """Delete a job with its folder and its measurements; a checkpoint that it finished stays."""
        self._request(job, "discard")

    def rename(self, job: str, title: str, request: Mapping[str, Any]) -> None:
        """Another title, and the record that says so."""
        with self._lock:
            reconcile.write(self._store, replace(job_of(self._store, job), title=title, request=request))

    def revise(self, job: str, title: str, command: Sequence[str], request: Mapping[str, Any]) -> None:
        """Queue a job that does not run with another command line, whatever came of it before."""
        with self._lock:
            found = job_of(self._store, job)
            if found.status == "running":
                raise InputError(f"Job {job} is running: pause it first.")
            reconcile.folder(self._store, found).forget_wish()
            changed = replace(found, title=title, command=tuple(command), request=request)
            reconcile.write(self._store, replace(changed, status="queued", attempt=0, ended=None, message=""))
        self._wake.set()

    def job(self, job: str) -> Job:
        """One job as it stands now; ``InputError`` if there is none."""
        return reconcile.live(self._store, job_of(self._store, job))

    def jobs(self) -> list[Job]:
        """All jobs as they stand now, oldest first."""
        return [reconcile.live(self._store, job) for job in list_jobs(self._store)]

    def tail(self, job: str, lines: int = 40) -> list[str]:
        """The last lines of a job's log."""
        return reconcile.folder(self._store, job_of(self._store, job)).tail(lines)

    def settle(self, job: str, seconds: float) -> Job:
        """Wait, at most so long, until no process works on a job; for owners that do not watch in the background."""
        deadline = time.monotonic() + seconds
        while True:
            with self._lock:
                found = job_of(self._store, job)
                found = self._watch(found) if found.status == "running" else found
            if found.status != "running" or time.monotonic() > deadline:
                return reconcile.live(self._store, found)
            time.sleep(0.1)

    def start(self) -> None:
        """Take up what an earlier supervisor left and watch, in the background. A store for reading only is left alone."""
        if self._store.read_only:
            return
        self._over.clear()
        self._thread = threading.Thread(target=self._run, name="t2ialign-jobs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer; workers go on."""
        self._over.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Supervisor:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        recovered = False
        while not self._over.is_set():
            with self._lock:
                recovered = recovered or self._tried(self._recover)
                self._tried(self._poll)
            self._wake.wait(self._poll_seconds)
            self._wake.clear()

    def _tried(self, step: Callable[..., object], *arguments: Job) -> bool:
        """Whether a step went well; whatever a disk or a worker did to it, the next look may."""
        try:
            step(*arguments)
        except InputError as error:
            _log.warning("The jobs could not be looked after: %s", error)
        except Exception:
            _log.exception("The jobs could not be looked after")
        else:
            return True
        return False

    def _poll(self) -> None:
        self._hear()
        live = list_jobs(self._store, ("running", "queued"))
        for job in live:
            if job.status == "running":
                self._tried(self._watch, job)
        for job in transitions.ready(list_jobs(self._store, ("running", "queued"))) if live else ():
            self._tried(self._launch, job)

    def _hear(self) -> None:
        """Grant what others have asked for through the folders."""
        asked = [JobFolder(control.parent) for control in (self._store.home / "jobs").glob("*/control")]
        idle = {job.id: job for job in list_jobs(self._store) if job.status != "running"} if asked else {}
        for folder in asked:
            job = idle.get(folder.id)
            if job is None:
                continue
            try:
                transitions.check(job.id, job.status, "", folder.asked())
                self._grant(job)
            except InputError as error:
                _log.info("%s", error)
                folder.forget_wish()

    def _request(self, name: str, request: JobRequest) -> None:
        with self._lock:
            job = job_of(self._store, name)
            if job.status == "running":
                job = self._watch(job)
            folder = reconcile.folder(self._store, job)
            transitions.check(job.id, job.status, folder.asked(), request)
            folder.ask(request)
            if job.status != "running":
                self._grant(job)
        self._wake.set()

    def _grant(self, job: Job) -> None:
        """Do what is asked of a job that no process works on."""
        folder = reconcile.folder(self._store, job)
        match folder.asked():
            case "pause":
                reconcile.write(self._store, replace(job, status="paused"))
            case "cancel":
                reconcile.write(self._store, replace(job, status="cancelled", ended=now()))
            case "resume":
                reconcile.write(self._store, replace(job, status="queued", attempt=0, ended=None, message=""))
            case "discard":
                discard_job(self._store, job.id)
                folder.remove()
        folder.forget_wish()

    def _launch(self, job: Job) -> None:
        folder = reconcile.folder(self._store, job)
        if folder.asked() in ("pause", "cancel"):
            self._grant(job)
            return
        folder.forget_wish()
        folder.write_state(replace(folder.state(), phase="starting", remaining=None, ended="", message=""))
        job = replace(job, status="running", started=now(), ended=None, attempt=job.attempt + 1, pid=0, message="")
        reconcile.write(self._store, job)
        command = [*self._program, *job.command, "--store", str(self._store.home.resolve()), "--job", job.id]
        try:
            worker = process.start(command, folder, self._store.home, job.device)
        except OSError as error:
            reconcile.write(
                self._store, replace(job, status="failed", ended=now(), message=f"It could not be started: {error}.")
            )
            return
        self._children[job.id] = worker
        reconcile.write(self._store, replace(job, pid=worker.pid, born=process.born(worker.pid)))

    def _watch(self, job: Job) -> Job:
        """Look after a running job; returns how it stands."""
        folder = reconcile.folder(self._store, job)
        child = self._children.get(job.id)
        code = child.poll() if child else None
        alive = code is None if child else process.is_alive(job.pid, job.born, job.id)
        if not alive and not process.beats_elsewhere(folder.state()):
            return self._finish(job, code)
        folder.cap_log()
        if folder.asked() == "cancel" and folder.asked_ago() > self._grace:
            process.stop(self._store.home, job.id, at_once=folder.asked_ago() > 2 * self._grace)
        return job

    def _finish(self, job: Job, code: int | None) -> Job:
        """Write down how a job stands whose worker is gone, with everything that it measured."""
        folder = reconcile.folder(self._store, job)
        process.stop(self._store.home, job.id, at_once=True)  # children that outlived it
        self._children.pop(job.id, None)
        reconcile.collect(self._store, job)
        state, asked = folder.state(), folder.asked()
        status = transitions.outcome(state.ended, code, asked)
        words = transitions.last_words(status, state.message, folder.tail(5))
        job = replace(reconcile.live(self._store, job), status=status, ended=now(), message=words, asked="")
        reconcile.write(self._store, job)
        if asked in ("pause", "cancel"):  # any other request came while the worker left, and is granted next
            folder.forget_wish()
        return job

    def _recover(self) -> None:
        """Take over what an earlier owner left; a job whose worker did not outlive it is queued again, a few times."""
        reconcile.reconcile(self._store)
        for job in list_jobs(self._store, ("running",)):
            left = self._watch(job)
            if left.status == "interrupted" and left.attempt < AUTOMATIC:
                reconcile.write(self._store, replace(left, status="queued", ended=None, message=""))
