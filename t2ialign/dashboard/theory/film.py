"""The pairs of a training run on their way over a landscape: the stored log-ratios of its steps, thinned to frames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.charts.theory import Cloud
from t2ialign.job_record import Job
from t2ialign.methods import METHODS
from t2ialign.store import Store
from t2ialign.store.jobs import job_of, list_jobs
from t2ialign.types import TrainStep
from t2ialign.use_cases.align.job import KIND, request_of, steps_of

FRAMES = 60
CROWD = 48  # pairs of one frame, gathered from so many steps as that takes


@dataclass(frozen=True)
class Frame:
    """What one moment of the film shows: the pairs up to ``step``, log X1 and log X2 in columns, and their middle."""

    step: int
    pairs: Float[Tensor, "n 2"]
    middle: Float[Tensor, " 2"]


@dataclass(frozen=True)
class Film:
    """A run's frames in order, beginning where every run begins: X1 = X2 = 1."""

    job: str
    frames: tuple[Frame, ...]

    @property
    def path(self) -> Float[Tensor, "t 2"]:
        return torch.stack([frame.middle for frame in self.frames])

    @property
    def last(self) -> Cloud:
        return Cloud(self.frames[-1].pairs, self.path)

    def reach(self) -> float:
        """|log X| that nearly all pairs stay below."""
        everything = torch.cat([frame.pairs for frame in self.frames]).abs().flatten()
        return float(everything.quantile(0.98)) if len(everything) else 0.0


def runs_with_steps(store: Store) -> list[tuple[str, str]]:
    """Training jobs that have begun, newest first, as (label, id)."""
    begun = [job for job in list_jobs(store, kind=KIND) if job.progress.step > 0 or job.status == "done"]
    return [(_label(job), job.id) for job in reversed(begun)]


def film_of(store: Store, job: str) -> Film | None:
    """The film of a run; None where its steps hold no pairs (a method without pairs, or nothing has arrived yet)."""
    method = METHODS.get(request_of(job_of(store, job)).method)
    return film(job, steps_of(store, job)) if method is not None and method.data == "pairs" else None


def film(job: str, steps: Sequence[TrainStep]) -> Film | None:
    """At most ``FRAMES`` frames from a run's steps; each gathers the newest pairs up to its step."""
    known = [(step.step, pairs) for step in steps if len(pairs := _pairs(step))]
    if not known:
        return None
    ends = sorted({round(place) for place in torch.linspace(0, len(known) - 1, min(FRAMES, len(known))).tolist()})
    origin = torch.zeros(2, dtype=torch.float64)
    each = max(1, math.ceil(CROWD / len(known[0][1])))
    frames = [Frame(0, torch.zeros(1, 2, dtype=torch.float64), origin)]
    for end in ends:
        pairs = torch.cat([pairs for _, pairs in known[max(0, end + 1 - each) : end + 1]])[-CROWD:]
        frames.append(Frame(known[end][0], pairs, pairs.median(0).values))
    return Film(job, tuple(frames))


def _pairs(step: TrainStep) -> Float[Tensor, "n 2"]:
    """Winners and losers of a step, without those that are not finite."""
    rows = [pair for pair in zip(*step.log_ratios) if all(map(math.isfinite, pair))]
    return torch.tensor(rows, dtype=torch.float64).reshape(-1, 2)


def _label(job: Job) -> str:
    name = job.title or job.id
    return name if job.status == "done" else f"{name} ({job.status})"
