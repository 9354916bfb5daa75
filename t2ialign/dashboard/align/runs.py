"""Align's handlers for the runs there are: watch one, stop it, let it go on, discard it, and all of them in a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import gradio as gr

from t2ialign.charts import small, tradeoff_figure
from t2ialign.charts.training import (
    accuracy_figure,
    bands_figure,
    drawn_diversity_figure,
    kl_figure,
    loss_figure,
    probe_figure,
    reward_figure,
)
from t2ialign.dashboard.align.job_state import TrainingJobState, Watch
from t2ialign.dashboard.align.job_view import curve_title, history, result, status_line
from t2ialign.dashboard.align.new_run import warned
from t2ialign.dashboard.align.samples_view import Moment, strip
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.browser_events import DARK
from t2ialign.dashboard.shared.chart_points import choose, load_arrows, load_points, usual_benchmark
from t2ialign.dashboard.shared.links import LONGEST
from t2ialign.dashboard.shared.pictures import preview_uri
from t2ialign.dashboard.shared.wiring import Updates, said
from t2ialign.methods import METHODS
from t2ialign.metrics import METRICS
from t2ialign.store import Filters, choices, list_cells
from t2ialign.store.images import decode, read
from t2ialign.types import Axis, InputError, Interval, Metric
from t2ialign.use_cases.align.job import LIVE
from t2ialign.use_cases.align.probe import Probe, change

OF_PAIRS, OF_DRAWING = ("accuracy", "bands"), ("drawn_reward", "drawn_kl", "drawn_diversity")
CURVES = ("loss", *OF_PAIRS, *OF_DRAWING, "alignment", "diversity")
BOXES = tuple(f"{name}_box" for name in (*OF_PAIRS, *OF_DRAWING))  # each is shown where its kind of run is
HIDDEN = "measured"  # what the drawn curves were drawn from
POLL_SECONDS, IDLE_SECONDS = 1.0, 60.0
COLUMNS = 8  # of the sample strip, as many as fit beside each other
RESUMABLE = ("paused", "cancelled", "failed", "interrupted")
STOPPING = 40.0  # seconds that a discarded run has to end


def open_page(watch: Watch, data: Mapping[str, Any]) -> Updates:
    """The job that the address names, if there is one."""
    job = job_in(said(data, "query"))
    if not job:
        return {}
    try:
        watch.look(job)
    except InputError as error:
        return warned(str(error))
    return {"job": job, "fold": gr.Accordion(open=False)}


def pulse(watch: Watch, job: str, theme: str, felt: str) -> Updates:
    """A text that changes whenever ``tick`` would change anything: it alone goes to the browser while nothing does."""
    try:
        mark = watch.look(job).mark if job else ""
    except InputError:
        mark = "gone"
    now = f"{list_mark(watch, job)} {mark} {theme}"
    return {} if now == felt else {"pulse": now}


def tick(watch: Watch, job: str, theme: str, seen: str, measured: str, listed: str) -> Updates:
    """What changed since the last look, in the list and in the open job."""
    updates: Updates = {}
    mark = list_mark(watch, job)
    if mark != listed:
        updates |= {"listed": mark, "history": draw_history(watch, job), "timer": timer(watch)}
    try:
        watched = watch.look(job) if job else None
    except InputError:  # it has just been discarded
        return updates | {"job": "", **nothing_open()}
    if watched is None or f"{watched.mark} {theme}" == seen:
        return updates
    return updates | draw(watch, watched, theme, measured)


def timer(watch: Watch) -> gr.Timer:
    """How often one looks: while something trains every second, else now and then, for what is started elsewhere."""
    return gr.Timer(POLL_SECONDS if any(one.status in LIVE for one in watch.trainings()) else IDLE_SECONDS)


def look_again(watch: Watch) -> Updates:
    """What the page does when it comes into sight."""
    return {"timer": timer(watch)}


def open_job(watch: Watch, job: str, theme: str) -> Updates:
    """Everything of one job, drawn anew."""
    if not job:
        return nothing_open()
    try:
        watched = watch.look(job)
    except InputError as error:
        return {**nothing_open(), **warned(str(error))}
    listed = {"listed": list_mark(watch, job), "history": draw_history(watch, job), "timer": timer(watch)}
    return listed | draw(watch, watched, theme, measured="")


def draw(watch: Watch, watched: TrainingJobState, theme: str, measured: str) -> Updates:
    """A job's state; curves and samples only where their numbers moved."""
    job, services = watched.job, watch.services
    mark = f"{watched.measured} {job.status} {theme}"
    updates: Updates = {
        "view": gr.Column(visible=True),
        "seen": f"{watched.mark} {theme}",
        "status": status_line(watched, services.supervisor.tail(job.id, 12)),
        "stop": gr.Button(visible=watched.live and not job.asked),
        "resume": gr.Button(visible=job.status in RESUMABLE),
        "discard": gr.Button(visible=True),
        "notify": gr.Button(visible=watched.live),
    }
    if mark == measured:
        return updates
    updates |= {HIDDEN: mark, **curves(watched, theme == DARK)}
    updates |= {"samples": draw_samples(services, watched)}
    updates |= {"curves": gr.Row(visible=bool(watched.steps or watched.probes))}  # empty charts say nothing
    return updates | draw_result(services, watched, theme == DARK)


def curves(watched: TrainingJobState, dark: bool) -> Updates:
    """The loss, the curves of the run's kind, and the fixed batch's two where it is measured."""
    steps, total = watched.steps, watched.total
    method = METHODS.get(watched.request.method)
    drawing = method is not None and method.data == "reward"
    drawn: Updates = {
        "loss": loss_figure(steps, total, dark),
        "accuracy": accuracy_figure(steps, total, dark),
        "bands": bands_figure(steps, total, dark),
        "drawn_reward": reward_figure(steps, total, dark),
        "drawn_kl": kl_figure(steps, total, dark),
        "drawn_diversity": drawn_diversity_figure(steps, total, dark),
        **{f"{name}_box": gr.Column(visible=not drawing) for name in OF_PAIRS},
        **{f"{name}_box": gr.Column(visible=drawing) for name in OF_DRAWING},
    }
    usual: dict[Axis, str] = {"alignment": "clip_score", "diversity": "lpips"}
    for axis, name in usual.items():
        metric, points, words = since_the_start(watched.probes, axis, METRICS[name])
        drawn[axis] = probe_figure(points, metric, total, dark)
        drawn[f"{axis}_title"] = curve_title(words, metric.title)
    return drawn


def since_the_start(
    probes: Sequence[Probe], axis: Axis, usual: Metric
) -> tuple[Metric, list[tuple[int, Interval]], str]:
    """An axis of the fixed batch: its change, prompt by prompt; its level where a change cannot be said. And which in words."""
    measured = [(one.step, *one.measured(axis)) for one in probes]
    metric = METRICS.get(measured[-1][1], usual) if measured else usual
    changed = [(one.step, change(probes[0], one, axis)) for one in probes]
    known = [(step, found) for step, found in changed if found is not None]
    if known and len(known) == len(changed):
        return metric, known, f"{axis.capitalize()}, change since the start"
    return metric, [(step, level) for step, _, level in measured], axis.capitalize()


def draw_samples(services: Services, watched: TrainingJobState) -> str:
    """The fixed batch's pictures; of a long run's probes a few, the first and the last among them."""
    moments, side = [], 0
    for probe in evenly(watched.probes, COLUMNS):
        rows: dict[str, list[str]] = {}
        for picture in probe.pictures:
            data = read(services.store.home, picture.sha)
            image = None if data is None else decode(data)
            side = max(side, 0 if image is None else image.shape[-1])
            rows.setdefault(picture.prompt, []).append("" if image is None else preview_uri(image))
        moments.append(Moment(probe.step, tuple(rows.items())))
    return strip(moments, side <= 128)


def evenly(records: Sequence[Any], most: int) -> list[Any]:
    """At most so many of the records, at even distances from the first to the last."""
    count = len(records)
    return list(records) if count <= most else [records[round(i * (count - 1) / (most - 1))] for i in range(most)]


def draw_result(services: Services, watched: TrainingJobState, dark: bool) -> Updates:
    """Before and after, and the new point beside all others; nothing before the end."""
    name = watched.request.name
    if watched.manifest is None:
        return {"result": "", "point_box": gr.Column(visible=False)}
    cells = pair_of(services, name, watched.request.parent)
    benchmark = usual_benchmark(services, Filters(checkpoints=(name,)))
    chosen = choose("", "", choices(services.store)["metrics"], Filters(benchmarks=(benchmark,)))
    found = load_points(services, chosen)
    points = found.points
    ringed = {point.config.key for point in points if point.config.checkpoint == name}
    where = f"&set={benchmark}&point={min(ringed)}" if ringed else ""
    shown = result(watched, cells, where)
    if not ringed:
        return {"result": shown, "point_box": gr.Column(visible=False)}
    figure = tradeoff_figure(
        points,
        chosen.x,
        chosen.y,
        ringed,
        False,
        dark,
        services.order(),
        bars=False,
        arrows=load_arrows(services, chosen, found),
        whole=found.whole,
    )
    return {"result": shown, "point_box": gr.Column(visible=True), "point": small(figure)}


def pair_of(services: Services, child: str, parent: str) -> str:
    """Stored cells of the parent and the child that differ in nothing else, as a link has them; or the child's alone."""
    own = list_cells(services.store, Filters(checkpoints=(child,)))
    prompts = tuple({cell.prompt.text for cell in own})
    theirs = list_cells(services.store, Filters(checkpoints=(parent,), prompts=prompts)) if own else []
    known = {(cell.prompt.text, replace(cell.config, adapters=())): cell.key for cell in theirs}
    for cell in own:
        twin = known.get((cell.prompt.text, replace(cell.config, adapters=())))
        if twin:
            return f"{twin},{cell.key}"
    return own[0].key if own else ""


def draw_history(watch: Watch, job: str) -> str:
    """All training runs."""
    return history(watch.trainings(), watch.services.palette(), job)


def list_mark(watch: Watch, job: str) -> str:
    """A text that differs from the last one whenever the list would; a job's age alone changes nothing."""
    rows = (f"{one.id} {one.status} {one.progress.fraction:.2f}" for one in watch.trainings())
    return f"{job} {' '.join(rows)}"


def nothing_open() -> Updates:
    """No job is on show."""
    return {"view": gr.Column(visible=False), "seen": "", HIDDEN: ""}


def choose_job(data: Mapping[str, Any]) -> Updates:
    """A click in the list."""
    job = said(data, "job", LONGEST)
    return {"job": job} if job else {}


def stop(watch: Watch, job: str) -> Updates:
    """Asks the worker to save its state and end; Resume goes on from there."""
    return _wished(partial(watch.services.supervisor.pause, job), {"stop": gr.Button(visible=False), **look_soon()})


def resume(watch: Watch, job: str) -> Updates:
    """Queues it again."""
    return _wished(partial(watch.services.supervisor.resume, job), {"resume": gr.Button(visible=False), **look_soon()})


def discard(watch: Watch, job: str) -> Updates:
    """Deletes the job and its measurements, stopping it first; a checkpoint that it finished stays."""
    supervisor = watch.services.supervisor

    def all_of_it() -> None:
        if supervisor.job(job).status in ("queued", "running"):
            supervisor.cancel(job)
            supervisor.settle(job, STOPPING)
        supervisor.discard(job)

    gone = {"job": "", "confirm": gr.Row(visible=False), **look_soon(), **nothing_open()}
    return _wished(all_of_it, gone)


def look_soon() -> Updates:
    """Restarts the timer at its short interval after somebody pressed a button."""
    return {"seen": "", "timer": gr.Timer(POLL_SECONDS)}


def _wished(act: Callable[[], None], then: Updates) -> Updates:
    try:
        act()
    except InputError as error:
        return warned(str(error))
    return then


def job_in(query: str) -> str:
    """``?job=ID`` of an address."""
    fields = parse_qs(query.removeprefix("?"), max_num_fields=100) if len(query) < 4096 else {}
    return fields.get("job", [""])[0][:LONGEST]
