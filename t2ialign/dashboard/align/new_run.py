"""Align's handlers for a new run: choose a method, look at what it learns from, see what it costs, start it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from t2ialign.dashboard.align import pair_preview
from t2ialign.dashboard.align.cost import TrainingCosts
from t2ialign.dashboard.align.fields import ASKED, all_fields, by_name, request_from, shown
from t2ialign.dashboard.align.methods_view import method_cards
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.fitting_prompts import offered
from t2ialign.dashboard.shared.free_names import free_name
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.wiring import Updates, said
from t2ialign.methods import METHODS
from t2ialign.methods.method import ModelKind
from t2ialign.source import Source
from t2ialign.types import InputError
from t2ialign.use_cases.align.command import command_of, differing, in_a_line
from t2ialign.use_cases.align.job import check, submit
from t2ialign.use_cases.align.request import AlignRequest, is_small, kind_of, plan
from t2ialign.use_cases.align.sloped import has_slope
from t2ialign.use_cases.align.sources import sources

FIRST = "diffusion_dpo"


def pick_method(services: Services, method: str, parent: str | None) -> Updates:
    """A clicked card: its fields with their defaults, a free name, and the sources that suit it."""
    if method not in METHODS:
        return {}
    small, kind = model_of(services, parent)
    chosen = METHODS[method]
    repeats = any(control.name == "rounds" for control in chosen.controls())
    return {
        "method": method,
        "cards": method_cards(METHODS.values(), method),
        "name": free_name(services, method),
        "steps": gr.update(
            value=chosen.steps(small),
            info=f"{'In each round. ' if repeats else ''}Published: {chosen.published_steps:,}.",
        ),
        "pairs": source_choices(services, method, parent),
        "source_preview": "",
        "rollouts_fold": gr.Accordion(visible=chosen.data == "reward"),
        **shown(method, small, {"prompts": ["", *offered(services, [parent or ""])]}, kind),
    }


def pick_card(services: Services, data: Mapping[str, Any], parent: str | None) -> Updates:
    """The card that was clicked."""
    return pick_method(services, said(data, "method"), parent)


def first_method(services: Services, parent: str | None) -> Updates:
    """What the page opens with."""
    return pick_method(services, FIRST, parent)


def change_parent(services: Services, method: str, parent: str | None) -> Updates:
    """Another parent may be of another backbone: with other raters, and other defaults."""
    if method not in METHODS:
        return {}
    updates = pick_method(services, method, parent)
    return {name: value for name, value in updates.items() if name not in ("method", "cards", "name")}


def refresh(services: Services, parent: str | None) -> Updates:
    """The checkpoints that there are now."""
    names = list(services.checkpoints())
    return {"parent": gr.Dropdown(names, value=parent if parent in names else names[0])}


def price(services: Services, costing: TrainingCosts, method: str, *values: Any) -> Updates:
    """The cost and the command line of the form as it stands; a problem is said where the cost would stand."""
    line = ""
    try:
        request = asked(services, method, values)
        line = in_a_line(command_of(request))
        check(services.bench, request)
        return {"cost": notice(costing.words(request), "note"), "command": line}
    except InputError as error:
        return {"cost": notice(str(error)), "command": line}


def not_priced(sentence: str) -> Updates:
    """The sentence of a refusal in the place of the cost."""
    return {"cost": notice(sentence)}


def looking() -> Updates:
    """While pictures are drawn for the examples: the button says so and cannot be pressed again."""
    return {"look": gr.Button("Drawing", interactive=False), "source_preview": ""}


def look_at_source(services: Services, method: str, *values: Any) -> Updates:
    """A few of the pairs, or of the pictures that would be kept."""
    try:
        request = asked(services, method, values)
        named = replace(request, name=request.name or method)
        return {**_ready(), "source_preview": pair_preview.preview(services.bench, plan(services.bench, named))}
    except InputError as error:
        return not_looked(str(error))


def not_looked(sentence: str) -> Updates:
    """After a refusal: the button is active again, and the sentence says why there are no examples."""
    return {**_ready(), **warned(sentence)}


def _ready() -> Updates:
    return {"look": gr.Button("Look at some", interactive=True)}


def train(services: Services, method: str, *values: Any) -> Updates:
    """Queues the run; a problem is a warning of one sentence, and everything stays as it was."""
    try:
        request = asked(services, method, values)
        check(services.bench, request)
        job = submit(services.bench, services.supervisor, request)
    except InputError as error:
        return warned(str(error))
    return {"job": job, "fold": gr.Accordion(open=False), "name": free_name(services, method)}


def asked(services: Services, method: str, values: Sequence[Any]) -> AlignRequest:
    """The form as a request, without what the method does by itself."""
    named = by_name(values, (*ASKED, *all_fields()))
    small, kind = model_of(services, str(named["parent"] or "base"))
    request = request_from(method, named, kind)
    if METHODS[method].source == request.pairs:
        request = replace(request, pairs=Source())
    return differing(request, small, kind)


def model_of(services: Services, parent: str | None) -> tuple[bool, ModelKind]:
    """Whether a parent's backbone is one that learns with the numbers for small pictures, and what kind of model it is."""
    registry = services.bench.registry()
    entry = registry.checkpoints.get(parent or "base")
    if entry is None:
        return False, "diffusion"
    backbone = registry.backbones[entry.backbone]
    return is_small(backbone), kind_of(backbone)


def source_choices(services: Services, method: str, parent: str | None) -> Any:
    """What a method may learn from, for this backbone; methods that choose for themselves need nothing."""
    chosen, entry = METHODS[method], services.checkpoints().get(parent or "base")
    if chosen.data == "selected" or entry is None:
        info = "It chooses its own. To mix in given pictures: pictures:FOLDER."
        return gr.update(choices=[("its own pictures", "")], value="", info=info)
    prefers = chosen.data in ("pairs", "unpaired")
    menu = sources(services.bench, entry.backbone, prefers)
    if chosen.follows_slope:
        backbone = services.bench.registry().backbones[entry.backbone]
        menu = (one for one in menu if has_slope(services.bench, backbone, one[0]))
    known = [(f"{source}: {words}", str(source)) for source, words in menu]
    info = "Or type votes:STUDY, parquet:FILE, jsonl:FILE, hub:ORG/NAME."
    if chosen.data == "reward":
        info = "Who marks the pictures that it draws. Or type metric:NAME."
    if chosen.follows_slope:
        info = "Rewards that are smooth in the picture. Or type metric:NAME."
    names = [name for _, name in known]
    return gr.update(
        choices=known, value=str(chosen.source) if str(chosen.source) in names else next(iter(names), ""), info=info
    )


def warned(message: str) -> Updates:
    """One sentence over the page; nothing changes."""
    gr.Warning(message)
    return {}
