"""Sweep's handlers for the sweeps there are: watched, stopped, let go on, scored anew; one cell opened; and the list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import gradio as gr
from markupsafe import Markup

from t2ialign.dashboard.shared.chart_points import choose
from t2ialign.dashboard.shared.contact_sheet import SMALL, sheet
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.links import LONGEST, Subject, grid_link
from t2ialign.dashboard.shared.point_details import cell_group
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.wiring import Updates, said
from t2ialign.dashboard.shared.words import counted, duration
from t2ialign.dashboard.sweep.form import form_of_spec, spec_around
from t2ialign.dashboard.sweep.new_sweep import filled
from t2ialign.dashboard.sweep.sweep_state import IDLE_SECONDS, POLL_SECONDS, Sweeps, SweepView, rescoring
from t2ialign.job_record import Job
from t2ialign.names import strategy_of, strategy_text
from t2ialign.store import Filters, RunMark, choices, find_cell, run_marks, set_run_mark
from t2ialign.types import InputError
from t2ialign.use_cases.batches.rescore import report, rescore
from t2ialign.use_cases.sweeps import job as jobs
from t2ialign.use_cases.sweeps.spec import SweepSpec

RESUMABLE = ("paused", "cancelled", "failed", "interrupted", "done")
STATUSES = {"Any": "", "At work": "live", "Paused": "paused", "Done": "done", "Ended early": "ended"}
PAGE = 30  # sweeps of the list


def open_page(sweeps: Sweeps, data: Mapping[str, Any]) -> Updates:
    """The sweep that the address names (``?sweep=ID``), or a form filled around a picture or a point (``around=``)."""
    fields = _fields(said(data, "query", 8192))
    updates: Updates = {"listed": "", "timer": gr.Timer(active=True)}
    if around := fields.get("around", [""])[0]:
        spec = spec_around(sweeps.services, around[:2000])
        return {**updates, **filled(sweeps.services, form_of_spec(spec)), "fold": gr.Accordion(open=True)}
    job = fields.get("sweep", [""])[0][:LONGEST]
    if job:
        sweeps.look(job)
        return {**updates, "job": job, "fold": gr.Accordion(open=False)}
    return updates


def tick(
    sweeps: Sweeps, job: str, row: float, seen: str, listed: str, search: str, starred: bool, status: str
) -> Updates:
    """What changed since the last look, in the list and in the sweep on show.

    A look that drew something is followed by another one soon: it may have crossed a filter's, and been the later to arrive.
    """
    updates: Updates = {}
    rows = _opened(list_rows(sweeps, search, starred, status), job)
    mark = " ".join(f"{one.job.id}{one.job.title}{one.state}{one.mark}{one.open}" for one in rows)
    if (mark or "none") != listed:
        asked = bool(search or starred or status)
        drawn = render("sweep/list.html", rows=rows[:PAGE], more=max(0, len(rows) - PAGE), asked=asked)
        updates |= {"listed": mark or "none", "history": drawn}
    working = bool(updates) or any(one.status in jobs.LIVE for one in sweeps.all())
    if not job:
        return updates | {"timer": gr.Timer(POLL_SECONDS if working else IDLE_SECONDS, active=True)}
    try:
        view = sweeps.look(job, int(row))
    except InputError as error:
        return updates | closed() | {"problem": notice(str(error))}
    working |= bool(view.rescoring) and not _over(sweeps, job)
    updates |= {"timer": gr.Timer(POLL_SECONDS if working else IDLE_SECONDS, active=True)}
    now = f"{view.seen} {row:g}"
    return updates if now == seen else updates | {"seen": now, **draw(view)}


def _over(sweeps: Sweeps, job: str) -> bool:
    task = sweeps.services.engine.look(rescoring(job))
    return task is None or task.finished


def draw(view: SweepView) -> Updates:
    """A sweep as it stands."""
    job = view.job
    return {
        "view": gr.Column(visible=True),
        "status": render("sweep/status.html", view=view, sentence=sentence(view), grid=as_grid(view)),
        "map": render("sweep/map.html", view=view) if view.plan else "",
        "pause": gr.Button(visible=view.live and job.asked != "pause"),
        "cancel": gr.Button(visible=view.live and job.asked != "cancel"),
        "resume": gr.Button("Look for gaps" if job.status == "done" else "Resume", visible=job.status in RESUMABLE),
        "rescore": gr.Button(visible=not view.live and view.pictures > 0),
    }


def closed() -> Updates:
    """No sweep is on show."""
    return {"view": gr.Column(visible=False), "seen": "", "job": "", "cell": ""}


def sentence(view: SweepView) -> str:
    """Where a sweep stands, in words."""
    job, progress = view.job, view.job.progress
    there = f"{view.done:,} of {counted(view.total, 'cell')} finished, {view.pictures:,} of {counted(view.wanted, 'picture')}"
    if job.status == "queued":
        return f"Waiting for its turn. {there}."
    if job.status == "running":
        what = {"pause": "Pausing at the next step. ", "cancel": "Stopping at the next step. "}.get(job.asked, "")
        phase = f"{progress.phase[:1].upper()}{progress.phase[1:]}" if progress.phase else "Starting"
        left = f", about {duration(progress.remaining)} left" if progress.remaining else ""
        return f"{what}{phase}: {there}{left}."
    begin = {
        "paused": "Paused. ",
        "cancelled": "Cancelled. ",
        "failed": f"Stopped by a problem: {job.message} ",
        "interrupted": "Its process was stopped from outside. ",
    }.get(job.status, "")
    more = (
        "" if view.done == view.total else f" {'Look for gaps' if job.status == 'done' else 'Resume'} makes the rest."
    )
    return f"{begin}{there}.{more}"


def as_grid(view: SweepView, prompt: str = "", strategy: str = "") -> str:
    """The address of CFG by checkpoint for one prompt of the sweep, under a strategy (its first); empty: no grid shows that."""
    if view.plan is None:
        return ""
    cells = view.plan.cells
    cell = next((one for one in cells if one.request.prompt.text == prompt), cells[0])
    first, size = view.plan.conditions[0], (view.spec.width, view.spec.height)
    return grid_link(
        tuple(f"{scale:g}" for scale in view.spec.guidance_scales),
        tuple(dict.fromkeys(one.checkpoint for one in view.plan.conditions)),
        cell.request.prompt.text,
        cell.request.seeds,
        view.spec.num_inference_steps,
        strategy or strategy_text(first.guidance, first.guidance_params),
        "x".join(str(side) for side in size) if any(size) else "",
        view.spec.scheduler,
    )


def choose_place(sweeps: Sweeps, data: Mapping[str, Any], job: str) -> Updates:
    """A click on the map: a cell's pictures with their scores, or a row's squares."""
    row, key = data.get("row"), said(data, "cell", LONGEST)
    if isinstance(row, int):
        return {"row": row, "seen": ""}
    if not key:
        return {}
    services, view = sweeps.services, sweeps.look(job)
    try:
        found = find_cell(services.store, key)
    except InputError:
        return {"cell": notice("No picture of this cell is there yet.", "note")}
    asked = (
        next((set(cell.request.seeds) for cell in view.plan.cells if cell.cell == key), set()) if view.plan else set()
    )
    found = replace(found, seeds=tuple(seed for seed in found.seeds if seed in asked) or found.seeds)
    chosen = choose("", "", choices(services.store)["metrics"], Filters())
    group = cell_group(services, found, services.palette()[found.config.checkpoint], chosen)
    return {
        "cell": render(
            "sweep/cell.html",
            cell=found,
            look=group.look,
            sheet=sheet([group]),
            hard=group.pixels <= SMALL,
            href=Subject(cell=found.key).href,
            grid=as_grid(view, found.prompt.text, strategy_of(found.config)),
        )
    }


def open_sweep(job: str) -> Updates:
    """Another sweep is on show: everything of it is drawn anew."""
    reset: Updates = {"seen": "", "listed": "", "row": -1, "cell": "", "problem": ""}
    return {**reset, "extend": gr.Button(visible=bool(job)), **({} if job else closed())}


def pause(sweeps: Sweeps, job: str) -> Updates:
    """Asks the worker to stop at its next step; Resume goes on from there."""
    sweeps.services.supervisor.pause(job)
    return {"seen": "", "listed": "", "problem": ""}


def cancel(sweeps: Sweeps, job: str) -> Updates:
    """Stops it for good; what it drew stays."""
    sweeps.services.supervisor.cancel(job)
    return {"seen": "", "listed": "", "problem": ""}


def resume(sweeps: Sweeps, job: str) -> Updates:
    """Queues it again; only what is missing runs."""
    jobs.resume(sweeps.services.bench, sweeps.services.supervisor, job)
    return {"seen": "", "listed": "", "problem": "", "timer": gr.Timer(POLL_SECONDS, active=True)}


def score_anew(sweeps: Sweeps, job: str) -> Updates:
    """Scores the sweep's stored pictures where a score is missing or of an older version; nothing is drawn."""
    services, view = sweeps.services, sweeps.look(job)
    if view.plan is None:
        raise InputError(view.problem)
    cells = tuple(cell.cell for cell in view.plan.cells)

    def work(cancelled: Any) -> Iterator[str]:
        for state in rescore(services.bench, view.spec.metrics, cells, cancelled, view.spec.scorers):
            yield f"Scoring anew: {state.done:,} of {counted(state.total, 'cell')}."
        yield report(state)

    services.engine.submit(rescoring(job), work)
    return {"seen": "", "problem": "", "timer": gr.Timer(POLL_SECONDS, active=True)}


def restore(sweeps: Sweeps, job: str) -> Updates:
    """The sweep's settings in the form, to be changed and started or added."""
    spec = jobs.spec_of(sweeps.services.supervisor.job(job))
    return {**filled(sweeps.services, form_of_spec(spec)), "fold": gr.Accordion(open=True), "problem": ""}


def mark(sweeps: Sweeps, data: Mapping[str, Any], job: str) -> Updates:
    """A sweep of the list opened, starred, noted, renamed, deleted or taken back; its pictures stay in any case."""
    services, act = sweeps.services, said(data, "act")
    found = services.supervisor.job(said(data, "job", LONGEST))
    jobs.spec_of(found)
    known, text = run_marks(services.store).get(found.id, RunMark()), " ".join(said(data, "text").split())
    if act == "open":
        return {"job": found.id}
    if act == "rename":
        jobs.rename(services.supervisor, found.id, text)
        return {"listed": "", "seen": "", "gone": ""}
    changed = {
        "note": replace(known, note=text),
        "star": replace(known, starred=not known.starred),
        "delete": replace(known, forgotten=True),
        "recall": replace(known, forgotten=False),
    }.get(act)
    if changed is None:
        return {}
    if act == "delete" and found.status in jobs.LIVE:
        services.supervisor.pause(found.id)
    set_run_mark(services.store, found.id, changed)
    updates: Updates = {"listed": "", "gone": render("sweep/deleted.html", job=found) if act == "delete" else ""}
    return updates | ({"job": ""} if act == "delete" and found.id == job else {})


@dataclass(frozen=True)
class ListRow:
    """A line of the list; ``open``: it is the sweep on show."""

    job: Job
    spec: SweepSpec
    mark: RunMark
    ago: str
    open: bool = False

    @property
    def state(self) -> str:
        progress = self.job.progress
        return f"{self.job.status}, {progress.fraction:.0%}" if self.job.status == "running" else self.job.status

    @property
    def words(self) -> str:
        """What it asks for, in a line."""
        spec = self.spec
        parts = [", ".join(spec.checkpoints), f"CFG {', '.join(f'{one:g}' for one in spec.guidance_scales)}"]
        parts += [] if spec.strategies == ("cfg",) else [", ".join(spec.strategies)]
        return " · ".join([*parts, spec.prompts.name, str(spec.num_inference_steps) + " steps"])


def list_rows(sweeps: Sweeps, search: str, starred: bool, status: str) -> list[ListRow]:
    """The sweeps that hold the words, and are starred or stand as wished, the newest first."""
    marks, words, rows = run_marks(sweeps.services.store), (search or "").lower().split(), []
    now = datetime.now(UTC)
    for job in sweeps.all():
        mark = marks.get(job.id, RunMark())
        try:
            row = ListRow(job, jobs.spec_of(job), mark, f"{duration((now - job.created).total_seconds())} ago")
        except InputError:
            continue
        text = f"{job.title} {row.words} {mark.note} {job.id}".lower()
        wanted = {
            "": True,
            "live": job.status in jobs.LIVE,
            "paused": job.status == "paused",
            "done": job.status == "done",
        }
        fits = wanted.get(status or "", job.status in ("cancelled", "failed", "interrupted"))
        if not mark.forgotten and fits and (mark.starred or not starred) and all(word in text for word in words):
            rows.append(row)
    return rows


def _opened(rows: list[ListRow], job: str) -> list[ListRow]:
    return [replace(row, open=row.job.id == job) for row in rows]


def _fields(query: str) -> dict[str, list[str]]:
    return parse_qs(query.removeprefix("?"), max_num_fields=100) if len(query) < 8192 else {}


def refused(sentence: str) -> Updates:
    """What a stranger sees of the list."""
    return {"history": Markup(notice(sentence, "hint")), "timer": gr.Timer(active=False)}
