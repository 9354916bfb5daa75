"""Grid's handlers: plain functions of services and values that say what changes on the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import gradio as gr

from t2ialign.dashboard.grid import one_picture, take_away
from t2ialign.dashboard.grid.axes import filled
from t2ialign.dashboard.grid.form import (
    GridForm,
    cells_of,
    form_of,
    identity,
    in_words,
    link,
    linked,
    linked_page,
    record,
)
from t2ialign.dashboard.grid.table import GridTable, Showing, scored_everywhere, table_of, worded
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.hub_models import check_local
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.visitors import Visitor
from t2ialign.dashboard.shared.wiring import Updates, said
from t2ialign.dashboard.shared.words import counted, duration, waiting
from t2ialign.engines.local import EngineTask
from t2ialign.store import Grid, keep_grid
from t2ialign.types import InputError
from t2ialign.use_cases.batches.grid import TITLES, GridPage, GridState, make_grid, requests_of, stored_grid

SHOWN = (
    "problem",
    "progress",
    "tools",
    "table",
    "timer",
    "make",
    "stop",
    "seen",
    "shown",
    "cost",
    "alignment",
    "diversity",
    "page_shown",
)


@dataclass(frozen=True)
class ShownGrid:
    """The grid on show: its form, its cells, and the metrics that all of them had when last looked at.

    ``key`` is the engine's.
    """

    form: GridForm
    pages: tuple[GridPage, ...]
    scored: frozenset[str] | None = None

    @property
    def key(self) -> str:
        return f"grid {identity(self.form)}"


def make(
    services: Services,
    visitor: Visitor,
    shown: ShownGrid | None,
    order: str,
    alignment: str,
    diversity: str,
    page: str,
    *values: Any,
) -> Updates:
    """Hands the grid to the engine, and shows what of it is there."""
    try:
        form = form_of(values)
        wanted = ShownGrid(form, cells_of(form, services))
        requests = requests_of(wanted.pages)
        if not visitor.owner:
            services.visits.check_sizes(visitor, requests)
            check_local(services, requests)
        state = stored_grid(services.bench, requests)
        if any(one.phase != "done" or not one.scores for one in state.cells):
            begin = partial(_begin, services, visitor, wanted, state)
            services.page_runs.ask(visitor.page, shown.key if shown else "", requests, begin)
        keep_grid(services.store, _kept(wanted, state))
    except InputError as error:
        return {"problem": notice(str(error))}
    stays = shown is not None and shown.form.axes[2] == form.axes[2]
    look = _looking(wanted, order, alignment, diversity, page if stays else "")
    return {**draw(services, wanted, look, ""), "page_shown": _tabs(wanted, look.page)}


def _kept(shown: ShownGrid, state: GridState) -> Grid:
    """A grid as the history has it: its pictures are looked for in its cells when it is shown."""
    title, axes = in_words(shown.form)
    requests, cells = requests_of(shown.pages), tuple(one.cell for one in state.cells)
    words = " ".join(dict.fromkeys(word for one in requests for word in (one.prompt.text, one.checkpoint)))
    seeds = tuple(dict.fromkeys(seed for one in requests for seed in one.seeds))
    form = shown.form
    return Grid(identity(form), datetime.now(UTC), title, axes, words, record(form), cells, seeds)


def _begin(services: Services, visitor: Visitor, shown: ShownGrid, state: GridState) -> str:
    """The engine's key of the work, counted by what the store lacks."""
    requests = requests_of(shown.pages)

    def start() -> str:
        services.engine.submit(shown.key, lambda cancelled: make_grid(services.bench, requests, cancelled))
        return shown.key

    work = sum(one.missing * one.request.num_inference_steps for one in state.cells)
    return services.visits.begin(visitor, work, start)


def stop(services: Services, visitor: Visitor, shown: ShownGrid | None) -> Updates:
    """Asks the work to stop at its next step; what is drawn stays."""
    if shown is None:
        return {}
    if not services.visits.may_stop(visitor, shown.key):
        return {"problem": notice("Only the page that started this grid can stop it, or the owner.")}
    services.engine.cancel(shown.key)
    return {"stop": gr.Button("Stopping", interactive=False)}


def tick(services: Services, shown: ShownGrid | None, seen: str, *look: str) -> Updates:
    """What changed since the last look."""
    return draw(services, shown, _looking(shown, *look), seen) if shown else {"timer": gr.Timer(active=False)}


def reorder(services: Services, shown: ShownGrid | None, *look: str) -> Updates:
    """The table in another order, or with other scores."""
    return draw(services, shown, _looking(shown, *look), "") if shown else {}


def turn(services: Services, shown: ShownGrid | None, *look: str) -> Updates:
    """Another page in the same order, with the same scores; of a grid that stands still, only that page is read."""
    if shown is None:
        return {}
    showing, task = _looking(shown, *look), services.engine.look(shown.key)
    if task is not None and not task.finished:
        return draw(services, shown, showing, "")
    state = stored_grid(services.bench, requests_of(shown.pages[showing.page : showing.page + 1]))
    return {"table": table_html(services, table(services, shown, state, showing, shown.scored))}


def open_page(services: Services, data: Mapping[str, Any], *look: str) -> Updates:
    """The grid that the address names, with the form filled from it and only what is stored."""
    query, problem = said(data, "query", 8192), ""
    try:
        form = linked(services, query)
        if form is None:
            return {}
        shown = ShownGrid(form, cells_of(form, services))
        if owner.guarded():
            check_local(services, requests_of(shown.pages))
    except InputError as error:
        return {"problem": notice(str(error))}
    try:
        page = linked_page(query, len(shown.pages))
    except InputError as error:
        page, problem = 0, str(error)
    updates = draw(services, shown, replace(_looking(shown, *look), page=page), "")
    if problem:
        updates["problem"] = notice(problem, "note")
    return {**filled(services, form), **updates, "page_shown": _tabs(shown, page)}


def _looking(shown: ShownGrid, order: str, alignment: str = "", diversity: str = "", page: str = "") -> Showing:
    """How the controls want the grid looked at; a page that it does not have is the first."""
    turned = int(page) if str(page).isdecimal() else 0
    return Showing(order, alignment, diversity, turned if turned < len(shown.pages) else 0)


def _tabs(shown: ShownGrid, page: int) -> gr.Radio:
    """The pages to turn to, by what each is of."""
    axis = shown.form.axes[2]
    choices = [(worded(axis, value), str(place)) for place, value in enumerate(axis.values)]
    return gr.Radio(choices, value=str(page), label=f"Pages: {TITLES[axis.kind]}", visible=bool(axis.kind))


def draw(services: Services, shown: ShownGrid, look: Showing, seen: str) -> Updates:
    """A grid as it stands; the table only where a picture or a score came."""
    task = services.engine.look(shown.key)
    state = _state(services, shown, task)
    working = task is not None and not task.finished
    updates: Updates = {
        "shown": shown,
        "cost": "",
        "problem": notice(task.error) if task else "",
        "progress": progress(
            state,
            task,
            link(shown.form, look.page),
            services.engine.ahead_of(shown.key),
            services.visits.seconds_until(shown.key),
        ),
        "timer": gr.Timer(active=working),
        "make": gr.Button(visible=not working),
        "stop": gr.Button("Cancel", visible=working, interactive=True),
    }
    mark = f"{shown.key} {look} {working} " + " ".join(
        f"{len(one.seeds)}{len(one.scores)}{one.phase[0]}" for one in state.cells
    )
    if mark == seen:
        return updates
    drawn = table(services, shown, state, look)
    return updates | {
        "seen": mark,
        "shown": replace(shown, scored=scored_everywhere(state)),
        "tools": gr.Row(visible=state.there > 0),
        "table": table_html(services, drawn),
        "alignment": _scores(drawn, "alignment", look.alignment),
        "diversity": _scores(drawn, "diversity", look.diversity),
    }


def _scores(drawn: GridTable, axis: str, chosen: str) -> gr.Dropdown:
    """The scores that every cell has, to choose from."""
    menu = [(metric.title, metric.name) for metric in drawn.offered if metric.axis == axis]
    kept = chosen if any(chosen == name for _, name in menu) else ""
    return gr.Dropdown([(f"Usual {axis}", ""), *menu], value=kept)


def _state(services: Services, shown: ShownGrid, task: EngineTask | None) -> GridState:
    if task is not None and isinstance(task.record, GridState) and not task.finished:
        return task.record
    return stored_grid(services.bench, requests_of(shown.pages))


def table(
    services: Services,
    shown: ShownGrid,
    state: GridState,
    look: Showing,
    scored: frozenset[str] | None = None,
) -> GridTable:
    """The table of a grid's page; ``scored`` where ``state`` holds less than the whole grid."""
    palette = _palette(services, state)
    return table_of(shown.pages, state, shown.form.axes, palette, look, scored=scored)


def table_html(services: Services, table: GridTable) -> str:
    """The table as the page shows it."""
    names = {*table.columns, *(name for name, _ in table.rows)}
    known = services.palette()
    looks = {name: known[name] for name in names if name in known}
    return render("grid/table.html", table=table, titles=TITLES, palette=looks, place="grid")


def _palette(services: Services, state: GridState) -> Mapping[str, Any]:
    return services.palette(one.config.checkpoint for one in state.cells)


def progress(state: GridState, task: EngineTask | None, href: str, ahead: int, wait: float | None = None) -> str:
    """The bar with its sentence."""
    status = task.status if task else "done" if state.there == state.wanted else "none"
    return render(
        "grid/progress.html",
        status=status,
        working=status in ("queued", "running"),
        percent=100 * state.fraction,
        sentence=sentence(state, status, ahead, wait),
        href=href,
    )


def sentence(state: GridState, status: str, ahead: int = 0, wait: float | None = None) -> str:
    """Where a grid stands, in words."""
    pictures = f"{state.there} of {counted(state.wanted, 'picture')}"
    if status == "queued":
        return waiting(ahead, wait)
    if status == "running":
        left = f", about {duration(state.remaining)} left" if state.remaining else ""
        return f"{pictures}{left}." if state.there < state.wanted else "Scoring."
    if state.there == state.wanted:
        return f"{counted(state.wanted, 'picture')}."
    begin = {"cancelled": "Cancelled. ", "failed": "Stopped by a problem. "}.get(status, "")
    return f"{begin}{pictures} are there; Make the grid draws the rest."


def export(services: Services, suffix: str, shown: ShownGrid | None, *look: str) -> Updates:
    """The grid to take away: as one HTML file that needs nothing else, or as its PNGs with their scores in a ZIP.

    As one PNG, it is the page on show.
    """
    if shown is None:
        return {"problem": notice("Make a grid first, then take it away."), "file": None}
    showing, pages, axes = _looking(shown, *look), shown.pages, shown.form.axes
    if suffix == ".png":
        pages = pages[showing.page : showing.page + 1]
    state = stored_grid(services.bench, requests_of(pages))
    turned = f"-page-{showing.page + 1}" if suffix == ".png" and axes[2].kind else ""
    path = services.new_export() / f"grid{turned}{suffix}"
    if suffix == ".zip":
        take_away.write_zip(services.store, pages, state, axes, path)
    elif suffix == ".png":
        one_picture.write_png(services.store, table(services, shown, state, showing, shown.scored), path)
    else:
        take_away.write_html(services, pages, state, axes, showing, path)
    return {"problem": "", "file": str(path)}
