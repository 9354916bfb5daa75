"""Explore: a prompt becomes pictures, two numbers and a point on the chart."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from t2ialign.dashboard.explore import (
    add_checkpoint,
    add_prompts,
    handlers,
    missing_weights,
    own_checkpoints,
    picture_settings,
    quick_votes,
    run_history,
)
from t2ialign.dashboard.explore.form_view import FIELDS, prompt_panel, settings_panel
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.browser_events import chart_bridge, page_bridge
from t2ialign.dashboard.shared.chart_points import choose
from t2ialign.dashboard.shared.owner_lock import shared_key
from t2ialign.dashboard.shared.point_details import strip_of
from t2ialign.dashboard.shared.results_panel import PLOT, point_details_panel, results_panel, status_panel
from t2ialign.dashboard.shared.wiring import Wires, asset
from t2ialign.store import choices

TITLE = "Explore"
POLL_SECONDS = 0.4
LIVE = (
    "subject",
    "seen",
    "charted",
    "notice",
    "fetch",
    "progress",
    "headline",
    "sheet",
    "chart",
    "caption",
    "timer",
    "generate",
    *("cancel", "compare", "left", "right", "compare_seed"),
)


def build(services: Services) -> None:
    """The tab with its events."""
    components = _components(services)
    wires = Wires(components)
    _wire_run(wires, services)
    _wire_page(wires, services)
    _wire_looking(wires, services)
    _wire_history(wires, services)
    add_checkpoint.wire(wires, services)
    own_checkpoints.wire(wires, services)
    add_prompts.wire(wires, services)


def _components(services: Services) -> dict[str, Any]:
    components = {
        "page": page_bridge(),
        "key": shared_key(),
        "subject": gr.Textbox("", visible="hidden"),
        "seen": gr.State(""),
        "charted": gr.State(""),
        "timer": gr.Timer(POLL_SECONDS, active=False),
        **prompt_panel(services),
    }
    with gr.Row(elem_id="t2-main"):
        with gr.Column(scale=0, min_width=280, elem_id="t2-settings"), gr.Accordion("Settings", elem_id="t2-fold"):
            components |= settings_panel(services) | add_checkpoint.panel(services) | own_checkpoints.panel()
            components |= add_prompts.panel()
        with gr.Column(scale=1, min_width=320, elem_id="t2-results"):
            components |= status_panel() | results_panel()
            components["point_details"] = point_details_panel("t2-explore-point-details", "")
    components["points"] = chart_bridge(PLOT, partial(_strip, services))
    return components | _history_panel()


def _history_panel() -> dict[str, Any]:
    """Every batch so far, folded away; it is read when it is opened."""
    script = asset("shared/rename.js") + asset("explore/run_history.js")
    with gr.Accordion("History", open=False, elem_id="t2-history") as fold:
        with gr.Row():
            search = gr.Textbox(
                label="Search",
                show_label=False,
                placeholder="Words of the prompt, a checkpoint or a note",
                scale=3,
                max_lines=1,
            )
            days = gr.Dropdown(
                list(run_history.DAYS.items()),
                value=0,
                label="When",
                container=False,
                filterable=False,
                scale=1,
                min_width=150,
            )
            starred = gr.Checkbox(False, label="Starred only", container=False, scale=1, min_width=140)
        drawn = gr.HTML("", js_on_load=script, apply_default_css=False, elem_id="t2-history-list")
        more = gr.Button("Show more", size="sm", visible=False, elem_id="t2-history-more")
    return {
        "history_fold": fold,
        "history_search": search,
        "history_starred": starred,
        "history_days": days,
        "history": drawn,
        "history_more": more,
        "history_shown": gr.State(run_history.PAGE),
    }


def _strip(services: Services, key: str) -> list[str]:
    return strip_of(services, choose("", "", choices(services.store)["metrics"]), key)


def _wire_run(wires: Wires, services: Services) -> None:
    """Generate, cancel, and the timer that watches."""
    parts = wires.components
    asking = [parts["generate"].click, parts["prompt"].submit]
    gr.on(asking, None, js=asset("explore/asked.js"), show_progress="hidden", trigger_mode="multiple")
    answered = wires.on_visit(
        asking,
        partial(handlers.generate, services),
        ("subject", "page", *FIELDS),
        (*LIVE, "point_details"),
        trigger_mode="once",
    )
    for ended in (answered.then, answered.failure):
        ended(None, None, None, js=asset("explore/answered.js"), show_progress="hidden")
    fetch = partial(missing_weights.fetch, services)
    wires.on_visit(parts["fetch"].click, fetch, ("subject",), ("fetch", "notice", "timer"))
    wires.on_visit(parts["cancel"].click, partial(handlers.cancel, services), ("subject",), ("cancel", "notice"))
    wires.on(
        parts["timer"].tick,
        partial(handlers.tick, services),
        ("subject", "page", "seen", "charted"),
        LIVE,
        trigger_mode="once",
    )


def _wire_page(wires: Wires, services: Services) -> None:
    """The first view, the address bar, the theme, and the examples."""
    parts = wires.components
    opened = wires.on_visit_event(
        parts["page"].ready, partial(handlers.open_explore, services), (), ("page", *LIVE, *FIELDS)
    )
    prompt = parts["prompt"]
    opened.then(None, prompt, prompt, js=asset("explore/opened.js"), show_progress="hidden")
    wires.on(
        parts["page"].change, partial(handlers.repaint, services), ("subject", "page"), ("chart", "caption", "charted")
    )
    # Checkpoints are made while pages are open: the list is read anew whenever the tab or the list itself is opened.
    renewed = [parts["page"].shown, parts["checkpoints"].focus]
    wires.on(renewed, partial(handlers.offer_checkpoints, services), (), ("checkpoints", "stories"))
    wires.on(parts["page"].shown, partial(add_prompts.offer_sets, services), ("checkpoints",), ("prompt_set",))
    wires.on(
        parts["scheduler"].input,
        handlers.usual_of,
        ("scheduler",),
        ("steps", "guidance_scale"),
        trigger_mode="always_last",
    )
    parts["subject"].change(None, parts["subject"], None, js=asset("explore/address.js"), show_progress="hidden")
    restore = partial(picture_settings.restore, services)
    wires.on(parts["picture"].upload, restore, ("picture", *FIELDS), (*FIELDS, "notice", "picture"))
    wires.on_event(parts["examples"].select, handlers.pick_example, (), ("prompt",))
    guided = ("guidance", "guidance_params")
    chosen, asked = partial(handlers.choose_guidance, services), ("guidance", "checkpoints")
    wires.on(parts["guidance"].input, chosen, asked, guided, trigger_mode="always_last")
    shown = partial(handlers.show_examples, services)
    wires.on(parts["prompt_set"].change, shown, ("prompt_set", "checkpoints"), ("examples", "world"))
    followed, fields = partial(handlers.follow_checkpoints, services), ("checkpoints", "prompt_set")
    sets = ("prompt_set", "examples", "world")
    wires.on(parts["checkpoints"].change, followed, fields, sets, trigger_mode="always_last")
    picked = partial(handlers.follow_choice, services)
    chosen_by_hand = [parts["checkpoints"].input, parts["page"].entered]
    begun = ("prompt", *handlers.USUAL)
    wires.on(chosen_by_hand, picked, ("checkpoints", *begun), begun, trigger_mode="always_last")


def _wire_history(wires: Wires, services: Services) -> None:
    """Read when opened and with every word of a search; the owner's alone where there are strangers."""
    parts = wires.components
    inputs = ("key", "history_search", "history_starred", "history_days", "history_shown")
    outputs = ("history", "history_more")
    filters = ("history_search", "history_starred", "history_days")
    asked = [parts["history_fold"].expand, *(parts[name].change for name in filters)]
    wires.on(asked, partial(run_history.show, services), inputs, outputs, trigger_mode="always_last")
    shown = (*outputs, "history_shown")
    wires.on(parts["history_more"].click, partial(run_history.more, services), inputs, shown, trigger_mode="once")
    wires.on_event(parts["history"].select, partial(run_history.mark, services), inputs, outputs)


def _wire_looking(wires: Wires, services: Services) -> None:
    """What is behind a point, and two pictures compared."""
    parts = wires.components
    for trigger, handler in (
        (parts["points"].select, handlers.click_point),
        (parts["point_details"].select, handlers.choose_prompt),
    ):
        wires.on_event(trigger, partial(handler, services), ("subject",), ("point_details",))
    wires.on_visit_event(parts["sheet"].vote, partial(quick_votes.vote, services), (), ("notice",))
    chosen = ("left", "right", "compare_seed")
    wires.on(
        [parts[name].change for name in chosen],
        partial(handlers.compare, services),
        ("subject", *chosen),
        ("slider", "notice"),
    )
