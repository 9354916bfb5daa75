"""A training job in words: where it stands, what came of it, and its place in the queue and in the history."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from t2ialign.charts.intervals import number
from t2ialign.dashboard.align.job_state import TrainingJobState
from t2ialign.dashboard.shared.html import Look
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.words import counted, duration
from t2ialign.job_record import Job
from t2ialign.methods import METHODS
from t2ialign.metrics import METRICS
from t2ialign.use_cases.align.command import in_a_line
from t2ialign.use_cases.align.job import request_of
from t2ialign.use_cases.align.manifest import BeforeAfter, MetricChange, WinRate

PHASES = {
    "": "Starting",
    "starting": "Loading the model",
    "pictures": "Drawing pictures to learn from",
    "training": "Training",
    "saving": "Saving the checkpoint",
    "scoring": "Comparing it with its parent",
}
ORDER = {"pictures": 1, "training": 2, "saving": 2, "scoring": 3}
STATUS = {
    "queued": "waiting",
    "running": "running",
    "paused": "stopped",
    "interrupted": "interrupted",
    "done": "done",
    "cancelled": "cancelled",
    "failed": "failed",
}
FIRST = ("oracle_alignment", "clip_score", "factor_diversity", "lpips")


@dataclass(frozen=True)
class ChangeLine:
    """A metric before and after a training, in words; ``kind`` is ``better``, ``worse`` or ``unsure``."""

    title: str
    axis: str
    before: str
    after: str
    gap: str
    interval: str
    kind: str


@dataclass(frozen=True)
class JobRow:
    """A job in the list, ``depth`` generations below its first ancestor; ``look`` only where its checkpoint is there."""

    job: Job
    depth: int
    name: str
    look: Look | None
    method: str
    state: str
    ago: str


def status_line(watched: TrainingJobState, log: Sequence[str]) -> str:
    """The bar with its sentence, the link to this job, and the end of its log."""
    job = watched.job
    return render(
        "align/status.html",
        job=job,
        request=watched.request,
        method=_title(watched.request.method),
        percent=100 if job.status == "done" else 100 * job.progress.fraction,
        live=watched.live,
        sentence=sentence(watched),
        command=in_a_line(job.command),
        log="\n".join(log),
    )


def sentence(watched: TrainingJobState) -> str:
    """One sentence: where a job stands."""
    job, at = watched.job, _place(watched)
    if job.status == "queued":
        return f"Waiting: {counted(watched.ahead, 'run')} before it on this device." if watched.ahead else "Starting."
    if job.status == "running":
        return _working(watched)
    return {
        "paused": f"Stopped{at}. Resume goes on from there.",
        "cancelled": f"Cancelled{at}. Resume goes on from there, Discard deletes it.",
        "interrupted": f"Interrupted{at}: {job.message} Resume goes on from there.",
        "failed": job.message or "It failed without a word; its log may tell why.",
        "done": _done(watched),
    }.get(job.status, job.status)


def _working(watched: TrainingJobState) -> str:
    job, progress = watched.job, watched.job.progress
    if job.asked:
        return "Stopping after this step."
    words = PHASES.get(progress.phase, progress.phase)
    if progress.phase in ORDER:
        words = f"{ORDER[progress.phase]} of {max(ORDER.values())}, {words[:1].lower()}{words[1:]}"
    done, wanted = progress.pictures
    if wanted:
        words += f": {done:,} of {counted(wanted, 'picture')}"
    if progress.phase == "training" and watched.step:
        words += f": step {watched.step:,}" + (f" of {watched.total:,}" if watched.total else "")
    if progress.phase in ("pictures", "training", "scoring") and progress.remaining:
        return f"{words}, about {duration(progress.remaining)} left in all."
    return f"{words}."


def _done(watched: TrainingJobState) -> str:
    job = watched.job
    took = f" in {duration((job.ended - job.started).total_seconds())}" if job.ended and job.started else ""
    if watched.problem:
        return f"Done{took}. {watched.problem}"
    if watched.manifest is None:
        return f"Done{took}. Its checkpoint is no longer here."
    return f"Done{took}: {watched.request.name} can be chosen everywhere."


def _place(watched: TrainingJobState) -> str:
    return f" at step {watched.step:,} of {watched.total:,}" if watched.step and watched.total else ""


def result(watched: TrainingJobState, cell: str, where: str = "") -> str:
    """Before and after on the test prompts, and ways on; empty until there is a checkpoint.

    ``where`` follows ``?tab=tradeoff`` in the link: the benchmark set and the point.
    """
    if watched.manifest is None:
        return ""
    scores = watched.manifest.scores or BeforeAfter()
    changes = [_change(name, scores.metrics[name]) for name in _order(scores.metrics)]
    preferred = _preferred(scores, scores.win_rate) if scores.win_rate else None
    said = verdict(scores)
    notes = watched.manifest.data.notes if watched.manifest.data else ()
    return render(
        "align/result.html",
        request=watched.request,
        preferred=preferred,
        changes=changes,
        verdict=said,
        cell=cell,
        where=where,
        notes=notes,
    )


def verdict(scores: BeforeAfter) -> str:
    """``A clear gain, 77 % (71 to 83) of its pictures are preferred, at the price of 8 % less Factor diversity.``"""
    gain, price = _gain(scores.win_rate), _price(scores.metrics)
    return f"{', '.join(part for part in (gain, price) if part)}." if gain or price else ""


def _gain(rate: WinRate | None) -> str:
    if rate is None or math.isnan(rate.mean):
        return ""
    share = f"{rate.mean * 100:.0f} %"
    if math.isnan(rate.lo):
        return f"{share} of its pictures are preferred, on too few prompts to say more"
    share += f" ({rate.lo * 100:.0f} to {rate.hi * 100:.0f})"
    if rate.lo <= 0.5 <= rate.hi:
        return f"No clear gain and no clear loss: {share} of its pictures are preferred"
    return f"A clear {'gain' if rate.mean > 0.5 else 'loss'}: {share} of its pictures are preferred"


def _price(metrics: Mapping[str, MetricChange]) -> str:
    """What the best-known diversity has lost or gained, as a share of the parent's."""
    name = next((name for name in _order(metrics) if METRICS[name].axis == "diversity"), "")
    if not name or metrics[name].before.mean <= 0:
        return ""
    gap, before, title = metrics[name].gap, metrics[name].before.mean, METRICS[name].title
    if math.isnan(gap.lo) or gap.lo <= 0 <= gap.hi:
        return f"{title} not clearly changed"
    varied = (gap.mean > 0) == METRICS[name].higher_is_better
    low, high = sorted(abs(end) / before * 100 for end in (gap.lo, gap.hi))
    words = f"{abs(gap.mean) / before * 100:.0f} % ({low:.0f} to {high:.0f})"
    return f"and {words} more varied by {title}" if varied else f"at the price of {words} less {title}"


def _preferred(scores: BeforeAfter, rate: WinRate) -> tuple[str, str]:
    """The share of pictures that are preferred to the parent's, and what it is a share of."""
    sure = "" if math.isnan(rate.lo) else f" ({rate.lo:.0%} to {rate.hi:.0%})"
    size = f"{counted(scores.prompts, 'test prompt')} with {counted(scores.seeds, 'seed')} each"
    words = f"of its pictures are preferred to its parent's{sure}, by {rate.by}, on {size}."
    return f"{rate.mean:.0%}", words


def _order(metrics: Mapping[str, Any]) -> list[str]:
    """The best-known metrics, at most two an axis."""
    known = [name for name in (*FIRST, *metrics) if name in metrics and name in METRICS]
    axes: dict[str, list[str]] = {"alignment": [], "diversity": []}
    for name in dict.fromkeys(known):
        axes[METRICS[name].axis].append(name)
    return [name for names in axes.values() for name in names[:2]]


def _change(name: str, change: MetricChange) -> ChangeLine:
    """A metric before, after, and what lies between."""
    metric, gap = METRICS[name], change.gap
    better = gap.mean * (1 if metric.higher_is_better else -1) > 0
    sure = gap.lo * gap.hi > 0
    return ChangeLine(
        title=metric.title,
        axis=metric.axis,
        before=_number(change.before.mean),
        after=_number(change.after.mean),
        gap=_signed(gap.mean),
        interval="" if math.isnan(gap.lo) else f"{_signed(gap.lo)} to {_signed(gap.hi)}",
        kind=("better" if better else "worse") if sure else "unsure",
    )


def _number(value: float) -> str:
    return "–" if math.isnan(value) else number(value)


def _signed(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:+.2g}".replace("-", "−")


def history(jobs: Sequence[Job], looks: Mapping[str, Look], open_job: str, moment: datetime | None = None) -> str:
    """Every training job, the newest first, children under their parents."""
    children: dict[str, list[Job]] = {}
    known = {job.id for job in jobs}
    for job in jobs:
        children.setdefault(job.parent if job.parent in known else "", []).append(job)
    now = moment or datetime.now(UTC)
    rows = [_row(job, depth, looks, now) for job, depth in _branch(children, "", 0)]
    return render("align/history.html", rows=rows, open_job=open_job)


def _branch(children: Mapping[str, Sequence[Job]], parent: str, depth: int) -> Iterator[tuple[Job, int]]:
    """The jobs under a parent, each with its depth, its own children after it."""
    for job in reversed(children.get(parent, ())):
        yield job, depth
        yield from _branch(children, job.id, depth + 1)


def _row(job: Job, depth: int, looks: Mapping[str, Look], now: datetime) -> JobRow:
    request = request_of(job)
    state = STATUS.get(job.status, job.status)
    if job.status == "running":
        state += f" {job.progress.fraction:.0%}"
    ago = f"{duration((now - job.created).total_seconds())} ago"
    return JobRow(job, depth, request.name, looks.get(request.name), _title(request.method), state, ago)


def _title(method: str) -> str:
    return METHODS[method].title if method in METHODS else method


def curve_title(words: str, metric: str = "") -> str:
    """What stands over a curve, and the metric that it shows."""
    return render("align/curve_title.html", words=words, metric=metric)
