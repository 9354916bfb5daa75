"""Sweep: a form, a price, a job; then a map that fills, and a list of all there were. All of it is the owner's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import gradio as gr

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.browser_events import page_bridge
from t2ialign.dashboard.shared.owner_lock import lock_panel, wire_lock
from t2ialign.dashboard.shared.paces import Paces
from t2ialign.dashboard.shared.wiring import Updates, Wires, asset
from t2ialign.dashboard.sweep import new_sweep, sweeps
from t2ialign.dashboard.sweep.cost import SweepCosts
from t2ialign.dashboard.sweep.form import FIELDS
from t2ialign.dashboard.sweep.new_sweep import warned
from t2ialign.dashboard.sweep.sweep_state import IDLE_SECONDS, Sweeps
from t2ialign.dashboard.sweep.view import form_panel, list_panel, sweep_panel

TITLE = "Sweep"
PRICED = ("cost", "command", "toml")
VIEW = ("view", "status", "map", "pause", "cancel", "resume", "rescore", "seen", "job", "cell", "problem")
LISTED = ("listed", "history", "timer")
WATCHED = ("job", "row", "seen", "listed", "search", "starred", "state")


def build(services: Services) -> None:
    """The tab with its events."""
    components: dict[str, Any] = {
        "page": page_bridge(),
        "job": gr.Textbox("", visible="hidden"),
        "row": gr.Number(-1, visible="hidden"),
        "seen": gr.State(""),
        "listed": gr.State(""),
        "timer": gr.Timer(IDLE_SECONDS),
        **lock_panel("Sweeps belong to the owner of this page."),
        **form_panel(services),
        "problem": gr.HTML("", apply_default_css=False, elem_id="t2-sweep-problem"),
        **sweep_panel(),
        **list_panel(),
    }
    wires, found = Wires(components), Sweeps(services)
    _wire_form(wires, found)
    _wire_sweep(wires, found)
    _wire_list(wires, found)


def _wire_form(wires: Wires, found: Sweeps) -> None:
    """Every change is priced; Start queues it, Add joins it to the sweep on show."""
    parts, services = wires.components, found.services
    price = owner.owned(partial(new_sweep.price, found, SweepCosts(Paces(services.bench))), new_sweep.not_priced)
    priced = [parts["page"].shown, parts["job"].change, *(parts[name].change for name in FIELDS)]
    wires.on(priced, _named("price_sweep", price), ("key", "job", *FIELDS), PRICED, trigger_mode="always_last")
    chosen = _owned("choose_set", partial(new_sweep.choose_set, services))
    offered = ("categories", "problem")
    wires.on(parts["prompt_set"].input, chosen, ("key", "prompt_set"), offered, trigger_mode="always_last")
    followed = _owned("follow_sweep", partial(new_sweep.follow_checkpoints, services))
    fields = ("key", "prompt_set", "checkpoints")
    chosen_by_hand = [parts["checkpoints"].input, parts["page"].entered]
    wires.on(chosen_by_hand, followed, fields, ("prompt_set", *offered), trigger_mode="always_last")
    renewed = [parts["page"].shown, parts["checkpoints"].focus]
    offer = _owned("offer_sweep", partial(new_sweep.offer, services))
    wires.on(renewed, offer, ("key",), ("checkpoints", "stories", "problem"))
    start = _owned("start_sweep", partial(new_sweep.start, found))
    wires.on(parts["start"].click, start, ("key", *FIELDS), ("job", "fold", "problem"), trigger_mode="once")
    extend = _owned("extend_sweep", partial(new_sweep.extend, found))
    added = ("seen", "listed", "fold", "problem", "timer")
    wires.on(parts["extend"].click, extend, ("key", "job", *FIELDS), added, trigger_mode="once")
    shown = wires.on(wire_lock(wires, services.guesses).then, _shown_sweeps, ("key",), ("fold", "list", "listed"))
    wires.on(shown.then, _named("tick_sweep", _ticking(found)), ("key", *WATCHED), (*VIEW, *LISTED))


def _wire_sweep(wires: Wires, found: Sweeps) -> None:
    """The sweep on show: opened by a link, a start or the list; watched by the timer; stopped, let go on, scored anew."""
    parts = wires.components
    opening = _key_first("open_sweeps", partial(sweeps.open_page, found))
    opened = ("job", "fold", "listed", "timer", "problem", *FIELDS)
    wires.on_event(parts["page"].ready, opening, ("key",), opened)
    reset = ("seen", "listed", "row", "cell", "problem", "view", "job", "extend")
    changed = wires.on(parts["job"].change, sweeps.open_sweep, ("job",), reset, trigger_mode="multiple")
    wires.on(changed.then, _named("tick_sweep", _ticking(found)), ("key", *WATCHED), (*VIEW, *LISTED))
    parts["job"].change(None, parts["job"], None, js=asset("sweep/job.js"), show_progress="hidden")
    tick = _named("tick_sweep", _ticking(found))
    filtered = [parts["search"].change, parts["state"].input, parts["starred"].input]
    for looked, mode in (([parts["timer"].tick, parts["page"].shown], "once"), (filtered, "always_last")):
        wires.on(looked, tick, ("key", *WATCHED), (*VIEW, *LISTED), trigger_mode=mode)
    place = _key_first("choose_place", partial(sweeps.choose_place, found))
    wires.on_event(parts["map"].select, place, ("key", "job"), ("cell", "row", "seen", "problem"))
    for name, handler, outputs in (
        ("pause", sweeps.pause, ("seen", "listed", "problem")),
        ("cancel", sweeps.cancel, ("seen", "listed", "problem")),
        ("resume", sweeps.resume, ("seen", "listed", "problem", "timer")),
        ("rescore", sweeps.score_anew, ("seen", "problem", "timer")),
        ("restore", sweeps.restore, ("fold", "problem", *FIELDS)),
    ):
        act = _owned(f"{name}_sweep", partial(handler, found))
        done = wires.on(parts[name].click, act, ("key", "job"), outputs, trigger_mode="once")
        if name != "restore":
            wires.on(done.then, _named("tick_sweep", _ticking(found)), ("key", *WATCHED), (*VIEW, *LISTED))


def _wire_list(wires: Wires, found: Sweeps) -> None:
    """The list: opened, starred, noted, renamed, deleted, taken back."""
    parts = wires.components
    for name in ("history", "gone"):
        mark = _key_first("mark_sweep", partial(sweeps.mark, found))
        done = wires.on_event(parts[name].select, mark, ("key", "job"), ("job", "listed", "seen", "gone", "problem"))
        wires.on(done.then, _named("tick_sweep", _ticking(found)), ("key", *WATCHED), (*VIEW, *LISTED))


def _ticking(found: Sweeps) -> Callable[..., Updates]:
    return owner.owned(partial(sweeps.tick, found), sweeps.refused)


def _shown_sweeps(key: str) -> Updates:
    open_now = not owner.locked(key)
    return {"fold": gr.Accordion(visible=open_now), "list": gr.Column(visible=open_now), "listed": ""}


def _owned(name: str, handler: Callable[..., Updates]) -> Callable[..., Updates]:
    """An owned handler under a name of its own."""
    return _named(name, owner.owned(handler, warned))


def _key_first(name: str, handler: Callable[..., Updates]) -> Callable[..., Updates]:
    """The same for an event with data: the session's key still comes first."""
    guarded = _owned(name, handler)

    def run(data: Any, key: str, *values: Any) -> Updates:
        return guarded(key, data, *values)

    return _named(name, run)


def _named(name: str, handler: Callable[..., Updates]) -> Callable[..., Updates]:
    """A handler under the name by which logs and tests know its event."""

    def run(*values: Any) -> Updates:
        return handler(*values)

    run.__name__ = name
    return run
