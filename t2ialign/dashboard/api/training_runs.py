"""Endpoints about training: align, jobs, job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from t2ialign.dashboard.api.endpoint import Call, said
from t2ialign.dashboard.api.records import Jobs, TrainingJob
from t2ialign.dashboard.api.scores import AskNothing
from t2ialign.job_record import Job
from t2ialign.source import parse_source
from t2ialign.types import InputError
from t2ialign.use_cases.align.command import in_a_line
from t2ialign.use_cases.align.job import KIND, check, submit
from t2ialign.use_cases.align.request import AlignRequest


@dataclass(frozen=True)
class AskAlign:
    """Parameters of `align`: a training run."""

    method: str = said("diffusion_dpo, f_dpo, ipo, dmpo, diffusion_kto, mi_tune or gors.")
    name: str = said("What the new checkpoint is called.")
    parent: str = said("The checkpoint to go on from.", "base")
    pairs: str = said("What it learns from, as style:minimal, annotator:sunny, votes:STUDY; empty: the usual.", "")
    steps: int = said("Optimisation steps; 0: the method's own number.", 0)
    seed: int = said("Decides pictures, pairs and every draw.", 0)
    options: tuple[str, ...] = said("The method's own options, as beta=2000.", ())


@dataclass(frozen=True)
class AskJob:
    """Parameters of `job`: which training run, and what to do with it."""

    id: str = said("The run's id, as `jobs` lists it.")
    action: Literal["look", "pause", "resume", "cancel", "discard"] = said("What to do with it.", "look")


def align(call: Call, asked: AskAlign) -> TrainingJob:
    """Queues a training run in a process of its own."""
    options = tuple(_option(text) for text in asked.options)
    request = AlignRequest(
        asked.method, asked.name, "", asked.parent, parse_source(asked.pairs), asked.steps, asked.seed, options
    )
    check(call.services.bench, request)
    job = submit(call.services.bench, call.services.supervisor, request)
    return _record(call.services.supervisor.job(job), True)


def jobs(call: Call, asked: AskNothing) -> Jobs:
    """All training runs, as the Align page lists them."""
    found = (one for one in call.services.supervisor.jobs() if one.kind == KIND)
    return Jobs(tuple(_record(one, call.visitor.owner) for one in found))


def job(call: Call, asked: AskJob) -> TrainingJob:
    """Does what is asked of a training run; a discarded one is told as it was."""
    supervisor = call.services.supervisor
    found = supervisor.job(asked.id)
    if found.kind != KIND:
        raise InputError(f"Job {found.id} is no training run.")
    acts = {
        "pause": supervisor.pause,
        "resume": supervisor.resume,
        "cancel": supervisor.cancel,
        "discard": supervisor.discard,
    }
    if asked.action in acts:
        acts[asked.action](found.id)
    return _record(found if asked.action == "discard" else supervisor.job(found.id), True)


def _record(one: Job, owner: bool) -> TrainingJob:
    return TrainingJob(
        one.id,
        one.title,
        one.status,
        one.progress.fraction,
        one.progress.remaining,
        one.created.isoformat(),
        one.message if owner else "",
        in_a_line(one.command) if owner else "",
    )


def _option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"An option is written as beta=2000, not {text[:40]!r}.")
    return name.strip().replace("-", "_"), value.strip()
