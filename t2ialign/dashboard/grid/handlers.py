"""Grid's handlers: plain functions of services and values that say what changes on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import gradio as gr

from t2ialign.dashboard.grid import one_picture, take_away
from t2ialign.dashboard.grid.form import (
    FIELDS,
    GridForm,
    cells_of,
    checkpoints_of,
    first_values,
    form_of,
    identity,
    in_words,
    link,
    linked,
    offered,
    record,
)
from t2ialign.dashboard.grid.table import GridTable, Showing, table_of
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.checkpoint_menu import stories
from t2ialign.dashboard.shared.fitting_prompts import first_prompt, stale
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.hub_models import check_local
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.visitors import Visitor
from t2ialign.dashboard.shared.wiring import Updates, said
from t2ialign.dashboard.shared.words import counted, duration, waiting
from t2ialign.engines.local import EngineTask
from t2ialign.store import Grid, keep_grid
from t2ialign.types import InputError, cell_key
from t2ialign.use_cases.batches.grid import TITLES, GridAxis, GridCell, GridState, make_grid, requests_of, stored_grid
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import config_of

Rows = tuple[tuple[GridCell, ...], ...]
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
)


@dataclass(frozen=True)
class ShownGrid:
    """The grid on show: its form and its cells. ``key`` is the engine's."""

    form: GridForm
    rows: Rows

    @property
    def key(self) -> str:
        return f"grid {identity(self.form)}"

    @property
    def axes(self) -> tuple[GridAxis, GridAxis]:
        return GridAxis(self.form.x, self.form.x_values), GridAxis(self.form.y, self.form.y_values)


def make(
    services: Services,
    visitor: Visitor,
    shown: ShownGrid | None,
    order: str,
    alignment: str,
    diversity: str,
    *values: Any,
) -> Updates:
    """Hands the grid to the engine, and shows what of it is there."""
    try:
        form = form_of(values)
        wanted = ShownGrid(form, cells_of(form, services))
        requests = requests_of(wanted.rows)
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
    return draw(services, wanted, Showing(order, alignment, diversity), "")


def _kept(shown: ShownGrid, state: GridState) -> Grid:
    """A grid as the history has it: its pictures are looked for in its cells when it is shown."""
    title, axes = in_words(shown.form)
    requests, cells = requests_of(shown.rows), tuple(one.cell for one in state.cells)
    words = " ".join(dict.fromkeys(word for one in requests for word in (one.prompt.text, one.checkpoint)))
    seeds = tuple(dict.fromkeys(seed for one in requests for seed in one.seeds))
    form = shown.form
    return Grid(identity(form), datetime.now(UTC), title, axes, words, record(form), cells, seeds)


def _begin(services: Services, visitor: Visitor, shown: ShownGrid, state: GridState) -> str:
    """The engine's key of the work, counted by what the store lacks."""
    requests = requests_of(shown.rows)

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
    return draw(services, shown, Showing(*look), seen) if shown else {"timer": gr.Timer(active=False)}


def reorder(services: Services, shown: ShownGrid | None, *look: str) -> Updates:
    """The table in another order, or with other scores."""
    return draw(services, shown, Showing(*look), "") if shown else {}


def open_page(services: Services, data: Mapping[str, Any], *look: str) -> Updates:
    """The grid that the address names, with the form filled from it and only what is stored."""
    try:
        form = linked(services, said(data, "query", 8192))
        if form is None:
            return {}
        shown = ShownGrid(form, cells_of(form, services))
        if owner.guarded():
            check_local(services, requests_of(shown.rows))
        return {**_filled(services, form), **draw(services, shown, Showing(*look), "")}
    except InputError as error:
        return {"problem": notice(str(error))}


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
            link(shown.form),
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
    return stored_grid(services.bench, requests_of(shown.rows))


def table(services: Services, shown: ShownGrid, state: GridState, look: Showing) -> GridTable:
    """The table of a grid."""
    return table_of(shown.rows, state, *shown.axes, _palette(services, state), look)


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


def price(services: Services, *values: Any) -> Updates:
    """How many cells and pictures the form asks for, and how many of them the store has."""
    try:
        form = form_of(values)
        rows = cells_of(form, services)
        requests = requests_of(rows)
        there = _stored(services, requests)
    except InputError as error:
        return {"cost": notice(str(error), "note")}
    pictures, cells = sum(len(one.seeds) for one in requests), sum(len(row) for row in rows)
    text = f"{counted(cells, 'cell')}, {counted(pictures, 'picture')}"
    if there is None:
        return {"cost": notice(f"{text}.", "hint")}
    kept = "all of them are stored" if there == pictures else f"{there} are stored, {pictures - there} will be drawn"
    return {"cost": notice(f"{text}: {kept}.", "hint")}


def _stored(services: Services, requests: Sequence[BatchRequest]) -> int | None:
    """How many of the pictures are there; ``None`` where an adapter of the Hub would have to be fetched to know."""
    try:
        check_local(services, requests)
    except InputError:
        return None
    wanted = {cell_key(config_of(services.bench, one)[1], one.prompt): one.seeds for one in requests}
    return services.bench.results.count_pictures(wanted)


def change_axis(services: Services, name: str, x: str, y: str, *said: Any) -> Updates:
    """Another kind of axis offers its own values; what an axis says is no field any more.

    ``said`` are both axes' values and the checkpoint in its field.
    """
    kind, specs = x if name == "x" else y, checkpoints_of(x, y, *said)
    values = first_values(services, kind, specs)
    return {f"{name}_values": _menu(services, kind, values, specs), **hidden(x, y)}


def follow_checkpoints(services: Services, prompt: str | None, x: str, y: str, *said: Any) -> Updates:
    """Other checkpoints: examples that were for others make room, in the prompt box and along an axis of prompts."""
    specs = checkpoints_of(x, y, *said)
    updates: Updates = {}
    if stale(services, prompt or "", specs):
        updates["prompt"] = first_prompt(services, specs)
    for name, kind, values in (("x", x, said[0] or ()), ("y", y, said[1] or ())):
        if kind == "prompt":
            left = [value for value in values if not stale(services, value, specs)]
            updates[f"{name}_values"] = _menu(services, kind, left or first_values(services, kind, specs), specs)
    return updates


def _menu(services: Services, kind: str, values: list[str], checkpoints: Sequence[str] = ()) -> gr.Dropdown:
    offers = offered(services, kind, checkpoints)
    return gr.Dropdown(offers, value=values, visible=bool(kind), multiselect=True, allow_custom_value=True)


def hidden(x: str, y: str, form: GridForm | None = None) -> Updates:
    """The fields that an axis stands for are out of sight; with a ``form``, all of them say what it says."""
    taken = {x, y}

    def told(name: str) -> dict[str, Any]:  # what is set on a component afterwards, Gradio does not send
        return {"visible": name not in taken, **({"value": getattr(form, name)} if form else {})}

    return {
        "prompt": gr.Textbox(**told("prompt")),
        "checkpoint": gr.Dropdown(**told("checkpoint")),
        "guidance_scale": gr.Number(**told("guidance_scale")),
        "guidance": gr.Dropdown(**told("guidance")),
        "steps": gr.Number(**told("steps")),
        "size": gr.Textbox(**told("size")),
        "first_seed": gr.Number(**{**told("first_seed"), "visible": "seed" not in taken}),
        "seed_count": gr.Slider(**{**told("seed_count"), "visible": "seed" not in taken}),
    }


def _filled(services: Services, form: GridForm) -> Updates:
    values: Updates = {name: getattr(form, name) for name in FIELDS}
    shown = hidden(form.x, form.y, form)
    for name in ("x", "y"):
        shown[f"{name}_values"] = _menu(services, values[name], list(values[f"{name}_values"]))
    return values | shown


def offer_checkpoints(services: Services) -> Updates:
    """What can be sampled now."""
    return {"checkpoint": gr.Dropdown(choices=list(services.checkpoints())), "stories": stories(services)}


def export(services: Services, suffix: str, shown: ShownGrid | None, *look: str) -> Updates:
    """The grid as one HTML file that needs nothing else, as one PNG, or as its PNGs with their scores in a ZIP."""
    if shown is None:
        return {"problem": notice("Make a grid first, then take it away."), "file": None}
    state = stored_grid(services.bench, requests_of(shown.rows))
    path = services.new_export() / f"grid{suffix}"
    if suffix == ".zip":
        take_away.write_zip(services.store, shown.rows, state, shown.axes, path)
    elif suffix == ".png":
        one_picture.write_png(services.store, table(services, shown, state, Showing(*look)), path)
    else:
        take_away.write_html(services, shown.rows, state, shown.axes, Showing(*look), path)
    return {"problem": "", "file": str(path)}
