"""A sweep as a job: queued, extended, scored anew, and its record read back."""

from __future__ import annotations

from dataclasses import replace

from t2ialign.codec import decode, encode
from t2ialign.job_record import Job, JobStatus
from t2ialign.jobs.supervisor import Supervisor
from t2ialign.types import InputError
from t2ialign.use_cases.results import share_stored
from t2ialign.use_cases.sweeps.command import command_of
from t2ialign.use_cases.sweeps.plan import SweepPlan, plan_sweep
from t2ialign.use_cases.sweeps.spec import SweepSpec, extended
from t2ialign.use_cases.workbench import Workbench

KIND = "sweep"
LIVE: tuple[JobStatus, ...] = ("queued", "running")
PATIENCE = 40.0  # seconds that a running sweep has to end at its next step, before it goes on with more


def submit(bench: Workbench, supervisor: Supervisor, spec: SweepSpec) -> str:
    """Queues a sweep; returns the job's id. What is stored is left where its worker finds it."""
    plan = plan_sweep(bench, spec)
    leave_stored(bench, plan)
    return supervisor.submit(command_of(plan.spec, bench.home), plan.spec.name, KIND, request=encode(plan.spec))


def leave_stored(bench: Workbench, plan: SweepPlan) -> int:
    """Notes of the cells that have pictures, for a worker that cannot open the store; returns how many."""
    return share_stored(bench.results, [(one.config, one.request.prompt, one.request.seeds) for one in plan.cells])


def extend(bench: Workbench, supervisor: Supervisor, job: str, more: SweepSpec) -> SweepSpec:
    """Adds what ``more`` asks for to a sweep and queues it again; only the new cells will run. Returns the whole spec.

    Raises:
        InputError: the two cannot be joined, or the sweep is still at a step.
    """
    spec = extended(spec_of(supervisor.job(job)), more)
    plan = plan_sweep(bench, spec)
    stop(supervisor, job)
    leave_stored(bench, plan)
    supervisor.revise(job, plan.spec.name, command_of(plan.spec, bench.home), encode(plan.spec))
    return plan.spec


def resume(bench: Workbench, supervisor: Supervisor, job: str) -> None:
    """Lets a sweep go on; what was stored meanwhile is not made again. A finished one looks for what is missing."""
    leave_stored(bench, plan_sweep(bench, spec_of(supervisor.job(job))))
    found = supervisor.job(job)
    if found.status == "done":
        supervisor.revise(job, found.title, found.command, found.request)
    else:
        supervisor.resume(job)


def stop(supervisor: Supervisor, job: str) -> None:
    """Pauses a sweep and waits until no process works on it.

    Raises:
        InputError: it takes longer than one should wait.
    """
    try:
        supervisor.pause(job)
    except InputError:  # it does not run, or its process has ended meanwhile
        if supervisor.job(job).status in LIVE:
            raise
    if supervisor.settle(job, PATIENCE).status == "running":
        raise InputError("This sweep is still finishing a step: try again in a moment.")


def rename(supervisor: Supervisor, job: str, title: str) -> None:
    """Another title; it says what an empty one would where there is none."""
    found = supervisor.job(job)
    spec = spec_of(found)
    named = replace(spec, title=" ".join(title.split())[:120])
    supervisor.rename(job, named.name, encode(named))


def spec_of(job: Job) -> SweepSpec:
    """What a sweep was asked for.

    Raises:
        InputError: the job is none, or of a version that cannot be read.
    """
    if job.kind != KIND:
        raise InputError(f"Job {job.id} is no sweep.")
    return decode(SweepSpec, job.request, f"The sweep {job.id} cannot be read", spare=True)
