"""Align: a method, what it learns from, and a button; then a run that anyone with its link can watch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import gradio as gr

from t2ialign.dashboard.align import new_run, runs
from t2ialign.dashboard.align.cost import TrainingCosts
from t2ialign.dashboard.align.fields import ASKED, all_fields
from t2ialign.dashboard.align.job_state import Watch
from t2ialign.dashboard.align.merging import merge_panel, wire_merge
from t2ialign.dashboard.align.publish import wire_publish
from t2ialign.dashboard.align.runs import BOXES, CURVES, POLL_SECONDS
from t2ialign.dashboard.align.view import form_panel, history_panel, intro, run_panel
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.browser_events import page_bridge
from t2ialign.dashboard.shared.owner_lock import lock_panel, wire_lock
from t2ialign.dashboard.shared.paces import Paces
from t2ialign.dashboard.shared.wiring import Updates, Wires, asset

TITLE = "Align"
FORM = ("method", *ASKED, *all_fields())
REFILLED = ("steps", "pairs", "source_preview", "rollouts_fold", *all_fields())
OPENED = ("job", "fold")
FOLDS = ("fold", "merge_fold", "publish_fold")  # the owner's
VIEW = (
    *("view", "seen", "measured", "status", "stop", "resume", "discard", "notify", "result", "point_box", "point"),
    *CURVES,
    *BOXES,
    *("alignment_title", "diversity_title", "samples", "curves"),
)
LISTED = ("listed", "history", "timer")


def build(services: Services) -> None:
    """The tab with its events."""
    components = _components()
    wires = Wires(components)
    _wire_form(wires, services)
    wire_merge(wires, services)
    _wire_run(wires, services)


def _components() -> dict[str, Any]:
    intro()
    return {
        "page": page_bridge(),
        "job": gr.Textbox("", visible="hidden"),
        "pulse": gr.Textbox("", visible="hidden"),
        "seen": gr.State(""),
        "measured": gr.State(""),
        "listed": gr.State(""),
        "timer": gr.Timer(POLL_SECONDS),
        **lock_panel("Training, and stopping what trains, belongs to the owner of this page."),
        **form_panel(),
        **merge_panel(),
        **run_panel(),
        **history_panel(),
    }


def _wire_form(wires: Wires, services: Services) -> None:
    """The form: every change is priced, and Train queues it. It reads files and loads scorers, so all of it is the owner's."""
    parts, costing = wires.components, TrainingCosts(Paces(services.bench))
    picked = ("method", "cards", "name", *REFILLED, "cost")
    first = owner.owned(partial(new_run.first_method, services), new_run.not_priced)
    wires.on(parts["page"].shown, partial(new_run.refresh, services), ("parent",), ("parent",))
    card = owner.owned(partial(new_run.pick_card, services), new_run.not_priced)
    wires.on_event(parts["cards"].select, _key_first(card), ("key", "parent"), picked)
    wires.on_event(parts["page"].ready, lambda data, *values: first(*values), ("key", "parent"), picked)
    change = owner.owned(partial(new_run.change_parent, services), new_run.not_priced)
    wires.on(
        parts["parent"].input, change, ("key", "method", "parent"), (*REFILLED, "cost"), trigger_mode="always_last"
    )
    looked = wires.on(parts["look"].click, new_run.looking, (), ("look", "source_preview"))
    look = owner.owned(partial(new_run.look_at_source, services), new_run.not_looked)
    drawn = wires.on(looked.then, look, ("key", *FORM), ("look", "source_preview"))
    priced = [*(parts[name].change for name in FORM), drawn.then]
    price = owner.owned(partial(new_run.price, services, costing), new_run.not_priced)
    wires.on(priced, price, ("key", *FORM), ("cost", "command"), trigger_mode="always_last")
    wires.on(
        parts["train"].click,
        _owned(partial(new_run.train, services)),
        ("key", *FORM),
        (*OPENED, "name"),
        trigger_mode="once",
    )
    shown = wires.on(wire_lock(wires, services.guesses).then, _shown, ("key",), FOLDS)
    wires.on(shown.then, first, ("key", "parent"), picked)


def _shown(key: str) -> Updates:
    unlocked = not owner.locked(key)
    return {name: gr.Accordion(visible=unlocked) for name in FOLDS}


def _key_first(handler: Callable[..., Updates]) -> Callable[..., Updates]:
    """An owned handler of an event with data: the session's key still comes first."""

    def run(data: Any, key: str, *values: Any) -> Updates:
        return handler(key, data, *values)

    return run


def _wire_run(wires: Wires, services: Services) -> None:
    """The run on show: opened by a link, a click or a start; watched by the timer; stopped, resumed, discarded."""
    parts, watch = wires.components, Watch(services)
    shown = (*VIEW, *LISTED)
    wires.on_event(parts["page"].ready, partial(runs.open_page, watch), (), OPENED)
    wires.on_event(parts["history"].select, runs.choose_job, (), ("job",))
    wires.on([parts["job"].change, parts["page"].change], partial(runs.open_job, watch), ("job", "page"), shown)
    parts["job"].change(None, parts["job"], None, js=asset("align/job.js"), show_progress="hidden")
    again = partial(runs.look_again, watch)
    wires.on(parts["page"].shown, again, (), ("timer",))
    felt = partial(runs.pulse, watch)
    looks = [parts["timer"].tick, parts["page"].shown]
    wires.on(looks, felt, ("job", "page", "pulse"), ("pulse",), trigger_mode="once")
    wires.on(
        parts["pulse"].change,
        partial(runs.tick, watch),
        ("job", "page", "seen", "measured", "listed"),
        ("job", *shown),
        trigger_mode="always_last",
    )
    for name, handler, outputs in (
        ("stop", runs.stop, ("stop", "seen", "timer")),
        ("resume", runs.resume, ("resume", "seen", "timer")),
        ("discard_yes", runs.discard, ("job", "confirm", "timer", "view", "seen", "measured")),
    ):
        wires.on(parts[name].click, _owned(partial(handler, watch)), ("key", "job"), outputs, trigger_mode="once")
    parts["notify"].click(None, None, None, js=asset("align/notify.js"), show_progress="hidden")
    wire_publish(wires, services, watch)
    for name, visible in (("discard", True), ("discard_no", False)):
        wires.on(parts[name].click, partial(_confirming, visible), (), ("confirm",))


def _confirming(visible: bool) -> Updates:
    return {"confirm": gr.Row(visible=visible)}


def _owned(handler: Callable[..., Updates]) -> Callable[..., Updates]:
    return owner.owned(handler, new_run.warned)
