"""Sweep's handlers for the form: priced at every change, started, or added to the sweep on show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.checkpoint_menu import menus
from t2ialign.dashboard.shared.fitting_prompts import following, offered
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.wiring import Updates
from t2ialign.dashboard.sweep.cost import SweepCosts
from t2ialign.dashboard.sweep.form import (
    FIELDS,
    LISTS,
    USUAL,
    SweepForm,
    categories_of,
    form_of,
    spec_of_form,
    usual_fields,
)
from t2ialign.dashboard.sweep.sweep_state import POLL_SECONDS, Sweeps
from t2ialign.types import InputError
from t2ialign.use_cases.align.command import in_a_line
from t2ialign.use_cases.batches.usual import begin_anew, usual_of_all
from t2ialign.use_cases.sweeps.command import command_of
from t2ialign.use_cases.sweeps.estimate import in_words
from t2ialign.use_cases.sweeps.job import extend as extended_job
from t2ialign.use_cases.sweeps.job import spec_of, submit
from t2ialign.use_cases.sweeps.spec import SweepSpec, extended, to_toml


def price(sweeps: Sweeps, costing: SweepCosts, job: str, *values: Any) -> Updates:
    """What the form asks for: cells, what is stored of them, time and disk; and the same as a command and as TOML."""
    try:
        spec = spec_of_form(form_of(values))
        found = costing.of(sweeps.plan(spec))
    except InputError as error:
        return {"cost": notice(str(error), "note"), "command": "", "toml": ""}
    more = ""
    if job:
        more = _more(sweeps, job, spec)
    usual = usual_of_all(spec.checkpoints, sweeps.services.bench.registry())
    lines = [*in_words(found), *filter(None, [usual.note()])]
    cost = render("sweep/cost.html", lines=lines, more=more)
    return {"cost": cost, "command": in_a_line(command_of(spec, sweeps.services.bench.home)), "toml": to_toml(spec)}


def _more(sweeps: Sweeps, job: str, spec: SweepSpec) -> str:
    """What Extend would add to the sweep on show."""
    try:
        known = spec_of(sweeps.services.supervisor.job(job))
        before, after = sweeps.plan(known), sweeps.plan(extended(known, spec))
    except InputError as error:
        return f"It cannot be added to the sweep below: {error}"
    added = after.pictures - before.pictures
    if not added:
        return "The sweep below has all of it."
    return f"Added to the sweep below it makes {len(after.cells):,} cells, with {added:,} pictures more."


def start(sweeps: Sweeps, *values: Any) -> Updates:
    """Queues the sweep and opens it."""
    services = sweeps.services
    job = submit(services.bench, services.supervisor, spec_of_form(form_of(values)))
    return {"job": job, "fold": gr.Accordion(open=False), "problem": ""}


def extend(sweeps: Sweeps, job: str, *values: Any) -> Updates:
    """Adds the form to the sweep on show; only the new cells run."""
    if not job:
        raise InputError("Open a sweep from the list first, then add to it.")
    services = sweeps.services
    extended_job(services.bench, services.supervisor, job, spec_of_form(form_of(values)))
    soon = gr.Timer(POLL_SECONDS, active=True)
    return {"seen": "", "listed": "", "fold": gr.Accordion(open=False), "problem": "", "timer": soon}


def filled(services: Services, form: SweepForm) -> Updates:
    """The form with these values."""
    values: Updates = {name: getattr(form, name) for name in FIELDS}
    values |= {name: list(values[name]) for name in LISTS}
    menu = categories_of(services, form.prompt_set)
    return values | {"categories": gr.Dropdown(choices=menu, value=values["categories"])}


def choose_set(services: Services, prompt_set: str) -> Updates:
    """Another set offers its own categories."""
    return {"categories": gr.Dropdown(choices=categories_of(services, prompt_set or ""), value=[])}


def follow_checkpoints(
    services: Services, prompt_set: str | None, checkpoints: Sequence[str] | None, *said: Any
) -> Updates:
    """The sets that fit the chosen checkpoints, and the fitting one where the chosen one was made for others.

    What the form says (``said``, the fields of ``USUAL``) becomes what these checkpoints are usually drawn with, unless
    somebody said something else.
    """
    chosen, specs = prompt_set or "", checkpoints or ()
    found = following(services, chosen, specs)
    held = dict(zip(USUAL, said, strict=False))
    menu: Updates = dict(begin_anew(specs, services.bench.registry(), held, usual_fields))
    menu["prompt_set"] = gr.Dropdown(offered(services, specs), value=found, allow_custom_value=True)
    return menu if found == chosen else menu | choose_set(services, found)


def offer(services: Services) -> Updates:
    """What can be sampled now."""
    return menus(services)


def not_priced(sentence: str) -> Updates:
    return {"cost": notice(sentence, "note")}


def nothing(sentence: str) -> Updates:
    """Refuses a visitor who is not the owner with this sentence, for events that have no place to show it."""
    raise InputError(sentence)


def warned(sentence: str) -> Updates:
    return {"problem": notice(sentence)}
