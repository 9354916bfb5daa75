"""A training job in words: where it stands, what came of it, and its place in the queue and in the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from t2ialign.charts.intervals import number
from t2ialign.dashboard.align.job_state import TrainingJobState
from t2ialign.dashboard.shared.html import Look, who
from t2ialign.dashboard.shared.training_command import in_a_line, request_of
from t2ialign.dashboard.shared.words import counted, duration
from t2ialign.methods import METHODS
from t2ialign.metrics import METRICS
from t2ialign.store.jobs import Job

PHASES = {
    "": "Starting",
    "starting": "Loading the model",
    "pictures": "Drawing pictures to learn from",
    "training": "Training",
    "saving": "Saving the checkpoint",
    "scoring": "Comparing it with its parent",
}
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


def status_line(watched: TrainingJobState, log: Sequence[str]) -> str:
    """The bar with its sentence, the link to this job, and the end of its log."""
    job = watched.job
    percent = 100 if job.status == "done" else 100 * job.progress.fraction
    bar = (
        f'<div class="t2-progress{"" if watched.live else " still"}" role="progressbar" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{percent:.0f}" aria-label="Progress"><i style="width:{percent:.1f}%"></i></div>'
    )
    title = METHODS[watched.request.method].title if watched.request.method in METHODS else watched.request.method
    head = (
        f"<h3>{escape(watched.request.name)} <small>{escape(title)}, from {escape(watched.request.parent)}</small></h3>"
    )
    link = f'<a class="t2-link" href="?job={escape(job.id)}" title="Opens this run, for you and for others">Link to this</a>'
    return (
        f'<div class="t2-status t2-training {job.status}" data-job="{escape(job.id)}">{head}{bar}'
        f'<p aria-live="polite"><span>{escape(sentence(watched))}</span>{link}</p>{_details(job, log)}</div>'
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
    if progress.phase == "training" and watched.step:
        words += f": step {watched.step:,}" + (f" of {watched.total:,}" if watched.total else "")
    if progress.phase in ("pictures", "training", "scoring") and progress.remaining:
        return f"{words}, about {duration(progress.remaining)} left in all."
    return f"{words}."


def _done(watched: TrainingJobState) -> str:
    job = watched.job
    took = f" in {duration((job.ended - job.started).total_seconds())}" if job.ended and job.started else ""
    if not watched.manifest:
        return f"Done{took}. Its checkpoint is no longer here."
    return f"Done{took}: {watched.request.name} can be chosen everywhere."


def _place(watched: TrainingJobState) -> str:
    return f" at step {watched.step:,} of {watched.total:,}" if watched.step and watched.total else ""


def _details(job: Job, log: Sequence[str]) -> str:
    command = escape(in_a_line(job.command))
    lines = escape("\n".join(log)) or "Nothing yet."
    return f"<details><summary>Command and log</summary><code>{command}</code><pre>{lines}</pre></details>"


def result(watched: TrainingJobState, cell: str) -> str:
    """Before and after on the test prompts, and ways on; empty until there is a checkpoint."""
    if not watched.manifest:
        return ""
    scores = watched.manifest.get("scores", {})
    rows = "".join(_change(name, scores["metrics"][name]) for name in _order(scores.get("metrics", {})))
    table = (
        f"<table><thead><tr><th></th><th>{escape(watched.request.parent)}</th><th>{escape(watched.request.name)}</th>"
        f"<th>change</th></tr></thead><tbody>{rows}</tbody></table>"
        if rows
        else ""
    )
    explore = f'<a class="t2-go" href="?cell={escape(cell)}">Try it on Explore</a>' if cell else ""
    chart = '<a class="t2-go" href="?tab=tradeoff">See it on Trade-off</a>' if rows else ""
    return f'<div class="t2-result">{_preferred(scores)}{table}<p class="t2-ways">{explore}{chart}</p></div>'


def _preferred(scores: Mapping[str, Any]) -> str:
    if "win_rate" not in scores:
        return ""
    rate = scores["win_rate"]
    sure = f" ({rate['lo']:.0%} to {rate['hi']:.0%})" if rate["lo"] is not None else ""
    size = f"{counted(scores['prompts'], 'test prompt')} with {counted(scores['seeds'], 'seed')} each"
    return (
        f'<p class="t2-win"><b>{rate["mean"]:.0%}</b><span>of its pictures are preferred to its parent\'s{sure}, by '
        f"{escape(str(rate['by']))}, on {size}.</span></p>"
    )


def _order(metrics: Mapping[str, Any]) -> list[str]:
    """The best-known metrics, at most two an axis."""
    known = [name for name in (*FIRST, *metrics) if name in metrics and name in METRICS]
    axes: dict[str, list[str]] = {"alignment": [], "diversity": []}
    for name in dict.fromkeys(known):
        axes[METRICS[name].axis].append(name)
    return [name for names in axes.values() for name in names[:2]]


def _change(name: str, change: Mapping[str, Mapping[str, float | None]]) -> str:
    """A metric before, after, and its difference prompt by prompt; effective numbers have none, only two means."""
    metric, gap = METRICS[name], change.get("difference") or _plain_gap(change)
    sure = gap["lo"] is not None and gap["lo"] * gap["hi"] > 0  # type: ignore[operator]
    better = (gap["mean"] or 0) * (1 if metric.higher_is_better else -1) > 0
    kind = ("better" if better else "worse") if sure else "unsure"
    interval = f"<small>{_signed(gap['lo'])} to {_signed(gap['hi'])}</small>" if gap["lo"] is not None else ""
    return (
        f'<tr><th scope="row">{escape(metric.title)}<small>{metric.axis}</small></th><td>{_number(change["before"]["mean"])}'
        f'</td><td>{_number(change["after"]["mean"])}</td><td class="{kind}">{_signed(gap["mean"])} {interval}</td></tr>'
    )


def _plain_gap(change: Mapping[str, Mapping[str, float | None]]) -> Mapping[str, float | None]:
    """The difference of the two means, which nobody is sure of."""
    before, after = change["before"]["mean"], change["after"]["mean"]
    return {"mean": None if before is None or after is None else after - before, "lo": None, "hi": None}


def _number(value: float | None) -> str:
    return "–" if value is None else number(value)


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2g}".replace("-", "−")


def history(jobs: Sequence[Job], looks: Mapping[str, Look], open_job: str, moment: datetime | None = None) -> str:
    """Every training job, the newest first, children under their parents."""
    if not jobs:
        return (
            '<div class="t2-empty slim"><h3>No training run yet</h3><p>Choose a method, press <b>Train</b>: it goes on when '
            "you close this page, and its checkpoint appears on every page when it is done.</p></div>"
        )
    moment = moment or datetime.now(UTC)
    children: dict[str, list[Job]] = {}
    known = {job.id for job in jobs}
    for job in jobs:
        children.setdefault(job.parent if job.parent in known else "", []).append(job)
    rows = _branch(children, "", 0, looks, open_job, moment)
    return f'<div class="t2-history" role="group" aria-label="Training runs">{rows}</div>'


def _branch(
    children: Mapping[str, Sequence[Job]],
    parent: str,
    depth: int,
    looks: Mapping[str, Look],
    open_job: str,
    now: datetime,
) -> str:
    return "".join(
        _row(job, depth, looks, open_job, now) + _branch(children, job.id, depth + 1, looks, open_job, now)
        for job in reversed(children.get(parent, ()))
    )


def _row(job: Job, depth: int, looks: Mapping[str, Look], open_job: str, now: datetime) -> str:
    request = request_of(job.command)
    name = who(request.name, looks[request.name]) if request.name in looks else f"<b>{escape(request.name)}</b>"
    method = METHODS[request.method].title if request.method in METHODS else request.method
    state = STATUS.get(job.status, job.status)
    if job.status == "running":
        state += f" {job.progress.fraction:.0%}"
    ago = f"{duration((now - job.created).total_seconds())} ago"
    return (
        f'<button type="button" class="t2-run {job.status}" data-job="{escape(job.id)}" style="--depth:{depth}" '
        f'aria-pressed="{str(job.id == open_job).lower()}"><span>{name}<small>{escape(method)}</small></span>'
        f'<em>{state}</em><time datetime="{job.created.isoformat()}">{ago}</time></button>'
    )
