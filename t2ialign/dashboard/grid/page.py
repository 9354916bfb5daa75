"""Grid: two or three settings changed at once, the same seeds and both scores in every cell."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from t2ialign.dashboard.grid import axes, handlers
from t2ialign.dashboard.grid.form import AXES, FIELDS, USUAL
from t2ialign.dashboard.grid.handlers import SHOWN
from t2ialign.dashboard.grid.view import form_panel, table_panel
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.browser_events import page_bridge
from t2ialign.dashboard.shared.files_taken import taken_away
from t2ialign.dashboard.shared.owner_lock import shared_key
from t2ialign.dashboard.shared.wiring import Wires, asset

TITLE = "Grid"
POLL_SECONDS = 0.7
HIDING = (
    "prompt",
    "checkpoint",
    "guidance_scale",
    "guidance",
    "steps",
    "scheduler",
    "size",
    "first_seed",
    "seed_count",
)
LOOK = ("order", "alignment", "diversity", "page_shown")


def build(services: Services) -> None:
    """The tab with its events."""
    components: dict[str, Any] = {
        "page": page_bridge(),
        "key": shared_key(),
        "shown": gr.State(None),
        "seen": gr.State(""),
        "timer": gr.Timer(POLL_SECONDS, active=False),
        **form_panel(services),
        **table_panel(),
    }
    wires = Wires(components)
    _wire_form(wires, services)
    _wire_table(wires, services)


def _wire_form(wires: Wires, services: Services) -> None:
    """What an axis says is no field any more; every change is counted; Make hands the grid over."""
    parts = wires.components
    values = tuple(f"{name}_values" for name in AXES)
    chosen = (*AXES, *values, "checkpoint")
    for name in AXES:
        changed = partial(axes.change_axis, services, name)
        wires.on(parts[name].input, changed, chosen, (f"{name}_values", *HIDING), trigger_mode="always_last")
    followed, filled = partial(axes.follow_checkpoints, services), ("prompt", *values, *USUAL)
    picked = [*(parts[name].input for name in ("checkpoint", *values)), parts["page"].entered]
    wires.on(picked, followed, ("prompt", *chosen, *USUAL), filled, trigger_mode="always_last")
    price = partial(axes.price, services)
    priced = [parts[name].change for name in FIELDS if name not in AXES]
    wires.on([*priced, parts["page"].shown], price, FIELDS, ("cost",), trigger_mode="always_last")
    renewed = [parts["page"].shown, parts["checkpoint"].focus]
    wires.on(renewed, partial(axes.offer_checkpoints, services), (), ("checkpoint", "stories"))
    make = partial(handlers.make, services)
    made = wires.on_visit(parts["make"].click, make, ("shown", *LOOK, *FIELDS), SHOWN, trigger_mode="once")
    made.then(None, None, None, js=asset("grid/address.js"), show_progress="hidden")
    wires.on_visit(parts["stop"].click, partial(handlers.stop, services), ("shown",), ("stop", "problem"))


def _wire_table(wires: Wires, services: Services) -> None:
    """The grid that the address names, what the timer sees, the order, the pages, and the files."""
    parts = wires.components
    opening = partial(handlers.open_page, services)
    opened = wires.on_event(parts["page"].ready, opening, LOOK, (*SHOWN, *FIELDS))
    wires.on(opened.then, partial(axes.price, services), FIELDS, ("cost",))  # once all that was filled in is there
    tick = partial(handlers.tick, services)
    wires.on(parts["timer"].tick, tick, ("shown", "seen", *LOOK), SHOWN, trigger_mode="once")
    looked = [parts[name].input for name in LOOK if name != "page_shown"]
    wires.on(looked, partial(handlers.reorder, services), ("shown", *LOOK), SHOWN, trigger_mode="always_last")
    turn = partial(handlers.turn, services)
    turned = wires.on(parts["page_shown"].input, turn, ("shown", *LOOK), SHOWN, trigger_mode="always_last")
    turned.then(None, None, None, js=asset("grid/turned.js"), show_progress="hidden")
    for name, suffix in (("as_html", ".html"), ("as_png", ".png"), ("as_zip", ".zip")):
        export = taken_away(services.visits, partial(handlers.export, services, suffix))
        written = wires.on_visit(parts[name].click, export, ("shown", *LOOK), ("problem", "file"))
        written.success(None, None, None, js=asset("grid/download.js"), show_progress="hidden")
