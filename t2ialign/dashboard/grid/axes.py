"""Grid's handlers of the form: what another axis or other checkpoints bring with them, and what it all costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from t2ialign.dashboard.grid.form import AXES, FIELDS, USUAL, GridForm, cells_of, form_of
from t2ialign.dashboard.grid.offers import checkpoints_of, first_values, offered, usual_fields, usual_scales
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.checkpoint_menu import stories
from t2ialign.dashboard.shared.fitting_prompts import first_prompt, stale
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.hub_models import check_local
from t2ialign.dashboard.shared.wiring import Updates
from t2ialign.dashboard.shared.words import counted
from t2ialign.samplers import UsualRun
from t2ialign.types import InputError, cell_key
from t2ialign.use_cases.batches.grid import GridPage, requests_of
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import config_of
from t2ialign.use_cases.batches.usual import begin_anew, usual_of_all


def change_axis(services: Services, name: str, *said: Any) -> Updates:
    """Another kind of axis offers its own values; what an axis says is no field any more.

    ``said`` are the kinds of all axes, their values, and the checkpoint in its field.
    """
    kinds, values, checkpoint = said[:3], said[3:6], said[6]
    kind, specs = kinds[AXES.index(name)], checkpoints_of(kinds, values, checkpoint)
    return {f"{name}_values": _menu(services, kind, first_values(services, kind, specs), specs), **_fields(kinds)}


def follow_checkpoints(services: Services, prompt: str | None, *said: Any) -> Updates:
    """Other checkpoints: what was for others makes room for what is theirs, in the fields and along the axes.

    Examples of prompts, and the numbers that checkpoints are usually drawn with. ``said`` are the kinds of all axes,
    their values, the checkpoint in its field, and the fields of ``USUAL``.
    """
    kinds, values, held = said[:3], said[3:6], dict(zip(USUAL, said[7:], strict=False))
    specs, registry = checkpoints_of(kinds, values, said[6]), services.bench.registry()
    updates: Updates = {}
    if "guidance_scale" in kinds:
        place = kinds.index("guidance_scale")
        found = begin_anew(specs, registry, held | {"scales": list(values[place] or ())}, _with_scales)
        updates = {name: found[name] for name in USUAL if found}
        if found:
            updates[f"{AXES[place]}_values"] = _menu(services, "guidance_scale", found["scales"], specs)
    updates = updates or dict(begin_anew(specs, registry, held, usual_fields))
    if stale(services, prompt or "", specs):
        updates["prompt"] = first_prompt(services, specs)
    for name, kind, chosen in zip(AXES, kinds, values, strict=True):
        if kind == "prompt":
            left = [value for value in chosen or () if not stale(services, value, specs)]
            updates[f"{name}_values"] = _menu(services, kind, left or first_values(services, kind, specs), specs)
    return updates


def _with_scales(run: UsualRun) -> dict[str, Any]:
    """The fields that ask for a run, and an axis of CFG around it."""
    return {**usual_fields(run), "scales": usual_scales(run)}


def _menu(services: Services, kind: str, values: list[str], checkpoints: Sequence[str] = ()) -> gr.Dropdown:
    offers = offered(services, kind, checkpoints)
    return gr.Dropdown(offers, value=values, visible=bool(kind), multiselect=True, allow_custom_value=True)


def _fields(kinds: Sequence[str], form: GridForm | None = None) -> Updates:
    """The fields that an axis stands for are out of sight; with a ``form``, all of them say what it says."""

    def told(
        name: str, kind: str = ""
    ) -> dict[str, Any]:  # what is set on a component afterwards, Gradio does not send
        return {"visible": (kind or name) not in kinds, **({"value": getattr(form, name)} if form else {})}

    return {
        "prompt": gr.Textbox(**told("prompt")),
        "checkpoint": gr.Dropdown(**told("checkpoint")),
        "guidance_scale": gr.Number(**told("guidance_scale")),
        "guidance": gr.Dropdown(**told("guidance")),
        "steps": gr.Number(**told("steps")),
        "scheduler": gr.Dropdown(**told("scheduler")),
        "size": gr.Textbox(**told("size")),
        "first_seed": gr.Number(**told("first_seed", "seed")),
        "seed_count": gr.Slider(**told("seed_count", "seed")),
    }


def filled(services: Services, form: GridForm) -> Updates:
    """The form as it says: its fields, and the menus of its axes."""
    values: Updates = {name: getattr(form, name) for name in FIELDS}
    shown = _fields([axis.kind for axis in form.axes], form)
    for name in AXES:
        shown[f"{name}_values"] = _menu(services, values[name], list(values[f"{name}_values"]))
    return values | shown


def offer_checkpoints(services: Services) -> Updates:
    """What can be sampled now."""
    return {"checkpoint": gr.Dropdown(choices=list(services.checkpoints())), "stories": stories(services)}


def price(services: Services, *values: Any) -> Updates:
    """How many cells and pictures the form asks for, and how many of them the store has."""
    try:
        form = form_of(values)
        pages = cells_of(form, services)
        requests = requests_of(pages)
        there = _stored(services, requests)
    except InputError as error:
        return {"cost": notice(str(error), "note")}
    pictures = sum(len(one.seeds) for one in requests)
    text = f"{_counted_cells(pages)}, {counted(pictures, 'picture')}"
    specs = dict.fromkeys(one.checkpoint for one in requests)
    more = usual_of_all(specs, services.bench.registry()).note()
    if there is None:
        return {"cost": notice(f"{text}. {more}".strip(), "hint")}
    kept = "all of them are stored" if there == pictures else f"{there} are stored, {pictures - there} will be drawn"
    return {"cost": notice(f"{text}: {kept}. {more}".strip(), "hint")}


def _counted_cells(pages: Sequence[GridPage]) -> str:
    cells = counted(sum(len(row) for row in pages[0]), "cell")
    return cells if len(pages) == 1 else f"{counted(len(pages), 'page')} of {cells}"


def _stored(services: Services, requests: Sequence[BatchRequest]) -> int | None:
    """How many of the pictures are there; ``None`` where an adapter of the Hub would have to be fetched to know."""
    try:
        check_local(services, requests)
    except InputError:
        return None
    wanted = {cell_key(config_of(services.bench, one)[1], one.prompt): one.seeds for one in requests}
    return services.bench.results.count_pictures(wanted)
