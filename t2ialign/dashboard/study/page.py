"""Study: people say which pictures they prefer, and their votes move a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.browser_events import page_bridge
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.owner_lock import lock_panel, wire_lock
from t2ialign.dashboard.shared.wiring import Updates, Wires, asset
from t2ialign.dashboard.study import handlers, results
from t2ialign.dashboard.study import training as looping
from t2ialign.dashboard.study.design_form import FIELDS
from t2ialign.dashboard.study.design_form_view import STEPS
from t2ialign.dashboard.study.view import (
    EXPORTS,
    choice_panel,
    design_panel,
    invite_panel,
    loop_panel,
    results_panel,
)

TITLE = "Study"
POLL_SECONDS = 2.0
HERE = "() => location.href.split(/[?#]/)[0].replace(/[^/]*$/, '')"
STATE = (
    "study",
    "status",
    "drafting",
    "delete",
    "copy",
    "pause",
    "resume",
    "close",
    "log",
    "invitation",
    "timer",
    "seen",
    "inner",
)
RESULTS = (
    "group",
    "votes_of",
    "headline",
    "contested",
    "sentences",
    "found",
    "rates",
    "strengths",
    "metrics",
    "tables",
    "inforce",
)
JOBS = ("training", "following", "trained")
NAMED = (*JOBS, "train_name")
ASKING = ("publish", "delete", "close", "follow")


@dataclass(frozen=True)
class Owned:
    """The tab's wires; every handler asks for the owner's key first, and its sentences about problems have their place."""

    wires: Wires

    def on(
        self,
        triggers: Any,
        handler: Callable[..., Updates],
        inputs: Sequence[str],
        outputs: Sequence[str],
        **options: Any,
    ) -> gr.events.Dependency:
        """Wires an event of a person: it first clears the last notice."""

        def answered(*values: Any) -> Updates:
            return {"study_notice": "", **handler(*values)}

        answered.__name__ = owner.name_of(handler)
        return self.quietly(triggers, answered, inputs, outputs, **options)

    def quietly(
        self,
        triggers: Any,
        handler: Callable[..., Updates],
        inputs: Sequence[str],
        outputs: Sequence[str],
        **options: Any,
    ) -> gr.events.Dependency:
        """Wires an event that happens by itself, as a timer's: the last notice stays."""

        guarded = owner.owned(handler, lambda sentence: {"study_notice": notice(sentence)})

        def told(key: str, *values: Any) -> Updates:
            updates: Updates = guarded(
                key, *(self._chosen(name, value) for name, value in zip(inputs, values, strict=True))
            )
            return updates

        told.__name__ = owner.name_of(guarded)
        return self.wires.on(triggers, told, ("key", *inputs), (*outputs, "study_notice"), **options)

    def _chosen(self, name: str, value: Any) -> Any:
        """A field's value; of a menu where nothing is chosen yet no text."""
        menu = self.wires.components[name]
        return "" if value is None and isinstance(menu, gr.Dropdown) and not menu.multiselect else value


def build(services: Services) -> None:
    """The tab with its events."""
    wires = Wires(_components(services))
    _wire_lock(wires, services)
    owned = Owned(wires)
    _wire_page(owned, services)
    _wire_design(owned, services)
    _wire_state(owned, services)
    _wire_results(owned, services)
    _wire_loop(owned, services)


def _components(services: Services) -> dict[str, Any]:
    parts = {
        "page": page_bridge(),
        "address": gr.Textbox("", visible="hidden"),
        "seen": gr.State(""),
        "timer": gr.Timer(POLL_SECONDS, active=False),
        "arenas": gr.HTML("", apply_default_css=False, elem_id="t2-arenas"),
        **lock_panel("Studies and their results belong to the owner of this page."),
    }
    with gr.Column(visible=not owner.locked(""), elem_id="t2-study-body") as body:
        parts |= {"body": body, **choice_panel()}
        with gr.Tabs(elem_id="t2-study-tabs") as inner:
            with gr.Tab("Design", id="design"):
                parts |= design_panel(services)
            with gr.Tab("Invite", id="invite"):
                parts |= invite_panel()
            with gr.Tab("Results", id="results") as shown:
                parts |= results_panel()
            with gr.Tab("Train", id="train") as training:
                parts |= loop_panel(services)
    return {**parts, "inner": inner, "results_tab": shown, "train_tab": training}


def _wire_lock(wires: Wires, services: Services) -> None:
    """Once the key fits, the page fills."""
    shown = wires.on(wire_lock(wires, services.guesses).then, _shown, ("key",), ("body",))
    Owned(wires).quietly(shown.then, partial(handlers.open_page, services), ("study", "address"), (*STATE, *FIELDS))


def _shown(key: str) -> Updates:
    return {"body": gr.Column(visible=not owner.locked(key))}


def _wire_page(owned: Owned, services: Services) -> None:
    """The first view, another study, and what goes on meanwhile."""
    parts = owned.wires.components
    where = parts["page"].shown(None, None, parts["address"], js=HERE, show_progress="hidden")
    owned.wires.on(parts["page"].shown, partial(handlers.open_arenas, services), (), ("arenas",))
    open_page = partial(handlers.open_page, services)
    owned.quietly(where.then, open_page, ("study", "address"), (*STATE, *FIELDS), trigger_mode="always_last")
    chosen = ("study", "address")
    owned.on(
        parts["study"].input, partial(handlers.choose, services), chosen, (*STATE, *FIELDS), trigger_mode="multiple"
    )
    owned.on(
        parts["new"].click, lambda address: handlers.choose(services, "", address), ("address",), (*STATE, *FIELDS)
    )
    seen, tick = ("study", "address", "seen", "training"), partial(looping.tick, services)
    owned.quietly(parts["timer"].tick, tick, seen, (*STATE, *JOBS), trigger_mode="once")


def _wire_design(owned: Owned, services: Services) -> None:
    """The form: saving, pictures, TOML, and the helpers that add lines."""
    parts = owned.wires.components
    form = ("study", "address", *FIELDS)
    for name, handler in (("save", handlers.save), ("prepare", handlers.make_pictures), ("copy", handlers.copy)):
        owned.on(parts[name].click, partial(handler, services), form, STATE, trigger_mode="once")
    owned.on(parts["write_toml"].click, partial(handlers.write_toml, services), FIELDS, ("toml",))
    owned.on(
        parts["read_toml"].upload, partial(handlers.read_toml, services), ("address", "read_toml"), (*STATE, *FIELDS)
    )
    for number in range(1, len(STEPS)):
        owned.on(parts[f"next_{number - 1}"].click, partial(_step, number), (), ("walk",))
    _wire_choices(parts)
    adding = ("study_prompts", "add_set", "add_categories", "add_each")
    owned.on(parts["add_prompts"].click, partial(handlers.add_prompts, services), adding, ("study_prompts",))
    owned.on(parts["add_set"].focus, partial(handlers.offer_prompt_sets, services), (), ("add_set",))
    owned.on(parts["add_set"].change, partial(handlers.show_categories, services), ("add_set",), ("add_categories",))


def _wire_choices(parts: Mapping[str, Any]) -> None:
    """What one choice asks of another, in the browser alone: an arena has pairs, variety is asked of sets."""
    choices = [parts[name] for name in ("compare", "aspect", "kind", "checks")]
    suit = asset("study/suit.js")
    for name in ("compare", "aspect"):
        parts[name].input(None, choices, choices, js=suit.replace("__SAID__", name), show_progress="hidden")
    told = asset("study/told.js")
    shown = [parts[name] for name in ("compare", "aspect", "kind", "attribute")]
    gr.on([part.change for part in shown], None, shown, None, js=told, show_progress="hidden")


def _step(number: int) -> Updates:
    return {"walk": gr.Tabs(selected=f"step-{number}")}


def _wire_state(owned: Owned, services: Services) -> None:
    """Opening, pausing, closing, deleting; what cannot be undone asks first."""
    parts = owned.wires.components
    form, one = ("study", "address", *FIELDS), ("study", "address")
    for name in ASKING:
        ask = f"{name}_ask"
        owned.on(parts[name].click, partial(_asked, ask, True), (), (ask,))
        owned.on([parts[f"{name}_no"].click, parts[f"{name}_yes"].click], partial(_asked, ask, False), (), (ask,))
    owned.on(parts["publish_yes"].click, partial(handlers.open_study, services), form, STATE, trigger_mode="once")
    owned.on(parts["delete_yes"].click, partial(handlers.delete, services), one, (*STATE, *FIELDS), trigger_mode="once")
    for name, state in (("pause", "paused"), ("resume", "open"), ("close_yes", "closed")):
        owned.on(parts[name].click, partial(handlers.step, services, state), one, STATE, trigger_mode="once")


def _asked(name: str, visible: bool) -> Updates:
    return {name: gr.Column(visible=visible)}


def _wire_results(owned: Owned, services: Services) -> None:
    """The results, drawn when they are looked at and whenever an answer comes; exclusions and exports."""
    parts = owned.wires.components
    seen = ("study", "page", "group")
    draw = partial(results.draw, services)
    looked = [parts["results_tab"].select, parts["group"].input, parts["seen"].change, parts["page"].change]
    owned.quietly(looked, draw, seen, RESULTS, trigger_mode="always_last")
    excluding, including = (*seen, "rule", "limit", "reason"), (*seen, "inforce", "reason")
    owned.on(parts["exclude"].click, partial(results.leave_out, services), excluding, RESULTS, trigger_mode="once")
    owned.on(parts["include"].click, partial(results.take_back, services), including, RESULTS, trigger_mode="once")
    for name in EXPORTS:
        handler = partial(results.export, services, name)
        owned.on(parts[f"export_{name}"].click, handler, ("study",), ("export_file",), trigger_mode="once")
    owned.on(parts["push"].click, partial(results.push, services), ("study", "repo"), (), trigger_mode="once")


def _wire_loop(owned: Owned, services: Services) -> None:
    """Train on the votes, watch, and follow up."""
    parts = owned.wires.components
    fields = ("study", "method", "parent", "votes_of", "train_steps", "train_tests", "train_name")
    owned.on(parts["train"].click, partial(looping.train, services), fields, NAMED, trigger_mode="once")
    opening = partial(looping.open_tab, services)
    owned.quietly(parts["train_tab"].select, opening, ("study", "train_name"), NAMED, trigger_mode="once")
    following = ("study", "address", "trained")
    owned.on(
        parts["follow_yes"].click, partial(looping.follow, services), following, (*STATE, *FIELDS), trigger_mode="once"
    )
