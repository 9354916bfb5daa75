"""Align: a method, what it learns from, and a button; then a run that anyone with its link can watch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import gradio as gr

from t2ialign.dashboard import aligning, overseeing, owner
from t2ialign.dashboard.bridges import page_bridge
from t2ialign.dashboard.costing import Costing
from t2ialign.dashboard.locking import lock_panel, wire_lock
from t2ialign.dashboard.overseeing import CURVES
from t2ialign.dashboard.panels.align import form_panel, history_panel, intro, run_panel
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.training_fields import ASKED, all_fields
from t2ialign.dashboard.training_watch import Watch
from t2ialign.dashboard.wiring import Updates, Wires, asset

TITLE = "Align"
POLL_SECONDS = 1.0
FORM = ("method", *ASKED, *all_fields())
REFILLED = ("steps", "pairs", "source_preview", *all_fields())
OPENED = ("job", "fold")
VIEW = ("view", "seen", "measured", "status", "stop", "resume", "discard", "result", "point_box", "point", *CURVES)
VIEW += ("alignment_title", "diversity_title", "samples")
LISTED = ("listed", "history")


def build(services: Services) -> None:
    """The tab with its events."""
    components = _components()
    wires = Wires(components)
    _wire_form(wires, services)
    _wire_run(wires, services)


def _components() -> dict:
    intro()
    return {
        "page": page_bridge(),
        "job": gr.Textbox("", visible="hidden"),
        "seen": gr.State(""),
        "measured": gr.State(""),
        "listed": gr.State(""),
        "timer": gr.Timer(POLL_SECONDS),
        **lock_panel("Training, and stopping what trains, belongs to the owner of this page."),
        **form_panel(),
        **run_panel(),
        **history_panel(),
    }


def _wire_form(wires: Wires, services: Services) -> None:
    """The form: every change is priced, and Train queues it."""
    parts, costing = wires.components, Costing(services.bench)
    picked = ("method", "cards", "name", *REFILLED)
    wires.on(parts["page"].shown, partial(aligning.refresh, services), ("parent",), ("parent",))
    wires.on_event(parts["cards"].select, partial(aligning.pick_card, services), ("parent",), picked)
    wires.on_event(parts["page"].ready, partial(aligning.first_method, services), ("parent",), picked)
    wires.on(parts["parent"].input, partial(aligning.change_parent, services), ("method", "parent"), REFILLED)
    priced = [parts[name].change for name in FORM]
    wires.on(priced, partial(aligning.price, services, costing), FORM, ("cost", "command"), trigger_mode="always_last")
    looked = wires.on(parts["look"].click, aligning.looking, (), ("look", "source_preview"))
    look = owner.owned(partial(aligning.look_at_source, services), aligning.not_looked)
    wires.on(looked.then, look, ("key", *FORM), ("look", "source_preview"))
    wires.on(
        parts["train"].click,
        _owned(partial(aligning.train, services)),
        ("key", *FORM),
        (*OPENED, "name"),
        trigger_mode="once",
    )
    wire_lock(wires)


def _wire_run(wires: Wires, services: Services) -> None:
    """The run on show: opened by a link, a click or a start; watched by the timer; stopped, resumed, discarded."""
    parts, watch = wires.components, Watch(services)
    shown = (*VIEW, *LISTED)
    wires.on_event(parts["page"].ready, partial(overseeing.open_page, watch), (), OPENED)
    wires.on_event(parts["history"].select, overseeing.choose_job, (), ("job",))
    wires.on([parts["job"].change, parts["page"].change], partial(overseeing.open_job, watch), ("job", "page"), shown)
    parts["job"].change(None, parts["job"], None, js=asset("job.js"), show_progress="hidden")
    wires.on(
        parts["timer"].tick,
        partial(overseeing.tick, watch),
        ("job", "page", "seen", "measured", "listed"),
        ("job", *shown),
        trigger_mode="once",
    )
    for name, handler, outputs in (
        ("stop", overseeing.stop, ("stop", "seen")),
        ("resume", overseeing.resume, ("resume", "seen")),
        ("discard_yes", overseeing.discard, ("job", "confirm", "view", "seen", "measured")),
    ):
        wires.on(parts[name].click, _owned(partial(handler, watch)), ("key", "job"), outputs, trigger_mode="once")
    for name, visible in (("discard", True), ("discard_no", False)):
        wires.on(parts[name].click, partial(_confirming, visible), (), ("confirm",))


def _confirming(visible: bool) -> Updates:
    return {"confirm": gr.Row(visible=visible)}


def _owned(handler: Callable) -> Callable:
    return owner.owned(handler, aligning.warned)
