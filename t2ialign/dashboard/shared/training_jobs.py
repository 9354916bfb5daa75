"""Training requests handed to the supervisor: what can be known to be wrong beforehand, and one way in for every page."""

from __future__ import annotations

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.training_command import command_of, request_of
from t2ialign.store.jobs import list_jobs
from t2ialign.types import InputError
from t2ialign.use_cases.align.request import AlignRequest, plan
from t2ialign.use_cases.align.result import check_free
from t2ialign.use_cases.align.sources import check_source
from t2ialign.use_cases.align.votes import leave_votes

KIND = "align"
LIVE = ("queued", "running")
WAITING = (*LIVE, "paused", "interrupted")  # jobs that may still finish, and want their name


def check(services: Services, request: AlignRequest) -> None:
    """Everything that can be known to be wrong before a worker starts.

    Raises:
        InputError: the request cannot be planned, its file holds no pairs, or its name is taken or spoken for.
    """
    check_source(plan(services.bench, request))
    check_free(services.bench, request.name, services.bench.home / "checkpoints" / request.name, replace=False)
    for job in list_jobs(services.store, WAITING, KIND):
        if request_of(job.command).name == request.name:
            raise InputError(
                f"A run called {request.name} is {job.status} already: choose another name, or discard it."
            )


def submit(services: Services, request: AlignRequest) -> str:
    """Hands the command line to the supervisor; the child of the job that trained its parent."""
    leave_votes(services.store, request.pairs)
    parents = [job for job in list_jobs(services.store, kind=KIND) if request_of(job.command).name == request.parent]
    parent = parents[-1].id if parents else ""
    return services.supervisor.submit(command_of(request), request.name, KIND, parent=parent)
