"""Training as a job: one way in for every page, and its request, steps and probes read back as what they were."""

from __future__ import annotations

from t2ialign.codec import decode, encode
from t2ialign.job_record import Job, JobStatus
from t2ialign.jobs.supervisor import Supervisor
from t2ialign.store import Store
from t2ialign.store.jobs import list_jobs, probes, train_steps
from t2ialign.types import InputError, TrainStep
from t2ialign.use_cases.align.command import command_of
from t2ialign.use_cases.align.estimate import evaluation_requests
from t2ialign.use_cases.align.probe import Probe
from t2ialign.use_cases.align.request import AlignRequest, plan
from t2ialign.use_cases.align.result import check_free
from t2ialign.use_cases.align.sources import check_source, picture_requests
from t2ialign.use_cases.align.votes import leave_votes
from t2ialign.use_cases.batches.score_batch import config_of
from t2ialign.use_cases.lent_gpu import refuse_training
from t2ialign.use_cases.results import share_stored
from t2ialign.use_cases.workbench import Workbench

KIND = "align"
LIVE: tuple[JobStatus, ...] = ("queued", "running")
WAITING: tuple[JobStatus, ...] = (*LIVE, "paused", "interrupted")  # jobs that may still finish, and want their name


def check(bench: Workbench, request: AlignRequest) -> None:
    """Everything that can be known to be wrong before a worker starts.

    Raises:
        InputError: the request cannot be planned, its file holds no pairs, or its name is taken or spoken for.
    """
    refuse_training()
    check_source(plan(bench, request))
    check_free(bench, request.name, bench.home / "checkpoints" / request.name, replace=False)
    for job in list_jobs(bench.store, WAITING, KIND):
        if request_of(job).name == request.name:
            raise InputError(
                f"A run called {request.name} is {job.status} already: choose another name, or discard it."
            )


def submit(bench: Workbench, supervisor: Supervisor, request: AlignRequest) -> str:
    """Queues a run, the child of the job that trained its parent; returns the job's id.

    What is stored of its votes and of its parent's pictures is left where its worker finds it.
    """
    leave_votes(bench.store, request.pairs)
    leave_stored(bench, request)
    parents = [job for job in list_jobs(bench.store, kind=KIND) if request_of(job).name == request.parent]
    parent = parents[-1].id if parents else ""
    return supervisor.submit(command_of(request), request.name, KIND, parent=parent, request=encode(request))


def leave_stored(bench: Workbench, request: AlignRequest) -> int:
    """Notes of the parent's cells that have pictures which the run asks for; returns how many.

    A worker that cannot open the store would draw them again, and where the machine's sums come out otherwise, as with
    another number of threads, its scores would be of other pictures than those that are stored.
    """
    found = plan(bench, request)
    drawn = [] if found.method.data == "reward" else picture_requests(found)
    asked = (*drawn, *evaluation_requests(found, found.parent.name))
    return share_stored(bench.results, [(config_of(bench, one)[1], one.prompt, one.seeds) for one in asked])


def request_of(job: Job) -> AlignRequest:
    """What a training job was asked for; where its record cannot be read (of another version), the job's title alone."""
    try:
        return decode(AlignRequest, job.request, spare=True)
    except InputError:
        return AlignRequest("", job.title or job.id)


def steps_of(store: Store, job: str, after: int = -1) -> list[TrainStep]:
    """A job's training steps beyond ``after``, in their order. ``InputError`` for one that cannot be read."""
    complaint = f"A training step of {job} cannot be read"
    return [decode(TrainStep, record, complaint, spare=True) for record in train_steps(store, job, after)]


def probes_of(store: Store, job: str) -> list[Probe]:
    """A job's fixed-seed batches in the order of their steps. ``InputError`` for one that cannot be read."""
    return [decode(Probe, record, f"A probe of {job} cannot be read", spare=True) for record in probes(store, job)]
