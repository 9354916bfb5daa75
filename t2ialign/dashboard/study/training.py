"""From votes to an adapter, and from the adapter to the next study."""

from __future__ import annotations

from typing import Any

import gradio as gr

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.free_names import free_name
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.wiring import Updates
from t2ialign.dashboard.shared.words import duration
from t2ialign.dashboard.study import handlers
from t2ialign.dashboard.study.design_form import whole
from t2ialign.job_record import Job
from t2ialign.source import Source
from t2ialign.types import InputError
from t2ialign.use_cases.align.job import KIND, check, request_of, submit
from t2ialign.use_cases.align.request import AlignRequest
from t2ialign.use_cases.studies.prepare import follow_up

STEM = "votes-"


def train(
    services: Services, study: str, method: str, parent: str, votes_of: str, steps: Any, tests: Any, name: str
) -> Updates:
    """Submit a job that learns from the study's votes; what cannot work is said before it starts."""
    if not study:
        raise InputError("Choose a study first.")
    source = Source("votes", study, votes_of or "")
    name, measured = (name or "").strip(), (("test_prompts", whole(tests, "The number of test prompts")),)
    request = AlignRequest(
        method, name, parent=parent or "base", pairs=source, steps=whole(steps, "The number of steps"), options=measured
    )
    check(services.bench, request)
    submit(services.bench, services.supervisor, request)
    return watch(services, study) | {"train_name": proposed_name(services, study)}


def open_tab(services: Services, study: str, name: str) -> Updates:
    """The tab as it is opened: what is trained on these votes, and a name for the next checkpoint of them."""
    mine = (name or "").strip() and not name.startswith(STEM)
    return watch(services, study) | ({} if mine or not study else {"train_name": proposed_name(services, study)})


def proposed_name(services: Services, study: str) -> str:
    """A free name that says of whose votes: ``votes-which-pictures-fit``."""
    return free_name(services, STEM + study.rpartition("-")[0] if "-" in study else STEM + study)


def watch(services: Services, study: str) -> Updates:
    """The study's training jobs as they stand, and the checkpoints that came of them."""
    jobs = [job for job in services.supervisor.jobs() if job.kind == KIND and learns_from(job, study)]
    done = [request_of(job).name for job in jobs if job.status == "done"]
    names = [name for name in done if name in services.checkpoints()]
    lines = [(job.id, request_of(job).name, _said(job)) for job in reversed(jobs)]
    return {
        "training": render("study/jobs.html", jobs=lines) if lines else "",
        "following": gr.Row(visible=bool(names)),
        "trained": gr.Dropdown(names, value=names[-1] if names else None),
    }


def tick(services: Services, study: str, address: str, seen: str, training: str) -> Updates:
    """What has changed since the last look, of the study and of what is trained on it."""
    jobs = watch(services, study)
    news = jobs if jobs["training"] != (training or "") else {}
    return handlers.tick(services, study, address, seen) | news


def follow(services: Services, study: str, address: str, checkpoint: str | None) -> Updates:
    """The same study once more for a checkpoint that was trained on its votes, against its parent; it opens by itself."""
    if not checkpoint:
        raise InputError("Choose a checkpoint that was trained on these votes.")
    found = follow_up(services.bench, study, checkpoint)
    handlers.begin(services, found)
    shown = handlers.fill(services, found.id) | handlers.draw(services, found.id, address)
    return shown | handlers.invited(services, found.id)


def learns_from(job: Job, study: str) -> bool:
    """Whether a training job learns from a study's votes, of all its groups or of one."""
    source = request_of(job).pairs
    return (source.kind, source.argument) == ("votes", study)


def _said(job: Job) -> str:
    progress = job.progress
    left = f", about {duration(progress.remaining)} left" if progress.remaining else ""
    far = f" {progress.phase} {progress.fraction:.0%}{left}" if job.status == "running" else ""
    return f"{job.status}{far}" + (f" {job.message}" if job.message else "")
