"""Explore's fold for a checkpoint from elsewhere: an id of the Hub, a path, a file sent up, or a published one's name.

It is the owner's alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import gradio as gr

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.checkpoint_menu import stories
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.visitors import Visitor
from t2ialign.dashboard.shared.wiring import Updates, Wires
from t2ialign.network import in_bytes
from t2ialign.registry import hub_part, load_registry
from t2ialign.types import InputError
from t2ialign.use_cases.additions import Words, add

ASKED = ("add_source", "add_file", "add_name", "add_backbone", "add_note", "add_licence")
ANSWERED = ("add_answer", "add_timer", "add", "checkpoints", "stories")
SECONDS = 1.0


@dataclass(frozen=True)
class Adding:
    """An addition as the engine keeps it: ``news`` is what has happened, the newest last; ``added`` its name at the end."""

    news: list[str] = field(default_factory=list)
    added: str = ""


def panel(services: Services) -> dict[str, gr.blocks.Block]:
    """What there is to fill in; only what says where it comes from is needed."""
    any_that_fits = ("Whichever it fits", "")
    with gr.Accordion("Add a checkpoint", open=False, visible=not owner.locked(""), elem_id="t2-add") as fold:
        source = gr.Textbox(
            "",
            label="Hub id or path",
            info="A LoRA, a DoRA or a whole UNet: org/name, org/name/file.safetensors, a path on the server, or a name of the "
            "menu whose weights are not here yet",
            elem_id="t2-add-source",
        )
        file = gr.File(label="Or a file (safetensors)", file_types=[".safetensors"], height=90, elem_id="t2-add-file")
        name = gr.Textbox("", label="Name", placeholder="As its source is called", max_lines=1)
        backbones = [
            any_that_fits,
            *((one.title or key, key) for key, one in services.bench.registry().backbones.items()),
        ]
        backbone = gr.Dropdown(backbones, value="", label="Backbone", filterable=False)
        note = gr.Textbox("", label="Note", max_lines=1)
        licence = gr.Textbox("", label="Licence", placeholder="As the Hub states it", max_lines=1)
        button = gr.Button("Check and add", size="sm", elem_id="t2-add-button")
        answer = gr.HTML("", apply_default_css=False, elem_id="t2-add-answer")
    return {
        "add_fold": fold,
        "add_source": source,
        "add_file": file,
        "add_name": name,
        "add_backbone": backbone,
        "add_note": note,
        "add_licence": licence,
        "add": button,
        "add_answer": answer,
        "add_timer": gr.Timer(SECONDS, active=False),
    }


def wire(wires: Wires, services: Services) -> None:
    """The button, the timer that watches, and the fold that is there once the owner's key fits."""
    parts = wires.components
    wires.on_visit(parts["add"].click, partial(begin, services), ASKED, ANSWERED, trigger_mode="once")
    wires.on_visit(parts["add_timer"].tick, partial(look, services), (), ANSWERED, trigger_mode="once")
    wires.on(parts["key"].change, opened, ("key",), ("add_fold",), trigger_mode="multiple")


def opened(key: str) -> Updates:
    return {"add_fold": gr.Accordion(visible=not owner.locked(key))}


def begin(services: Services, visitor: Visitor, *fields: str | None) -> Updates:
    """Hands the addition to the thread that fetches; a file that was sent up goes before what was typed."""
    if not visitor.owner:
        return {"add_answer": notice(owner.REFUSAL)}
    source, file, name, backbone, note, licence = ((said or "").strip() for said in fields)
    if not (file or source):
        raise InputError("Say where it comes from: an id of the Hub, a path, or a file.")
    owner.note_act("", "add_checkpoint")
    words = Words(name, backbone=backbone, note=note, licence=licence)
    services.downloads.submit(_key(visitor), partial(_work, services.bench.home, file or source, words))
    return {
        "add_answer": notice("Checking.", "hint"),
        "add_timer": gr.Timer(active=True),
        "add": gr.Button(interactive=False),
    }


def look(services: Services, visitor: Visitor) -> Updates:
    """How the addition stands; at its end the menu has it."""
    if not visitor.owner:
        return {"add_answer": notice(owner.REFUSAL), "add_timer": gr.Timer(active=False)}
    task = services.downloads.look(_key(visitor))
    if task is not None and not task.finished:
        news = task.record.news[-1:] if task.record else []
        return {"add_answer": notice(news[0] if news else "Checking.", "hint")}
    ended = {"add_timer": gr.Timer(active=False), "add": gr.Button(interactive=True)}
    if task is None or task.error:
        return {**ended, "add_answer": notice(task.error if task else "The server was started anew: ask again.")}
    menu = {"checkpoints": gr.Dropdown(choices=list(services.checkpoints())), "stories": stories(services)}
    return {**ended, **menu, "add_answer": notice(task.record.news[-1], "hint")}


def _work(home: Path, source: str, words: Words, cancelled: Callable[[], bool]) -> Iterator[Adding]:
    found = Adding()
    yield found

    def watch(done: int, total: int | None) -> None:
        of = f" of {in_bytes(total)}" if total else ""
        found.news[:] = [f"Fetching {source}: {in_bytes(done)}{of}."]

    listed = load_registry(home=home).checkpoints.get(source)
    if listed is not None and isinstance(listed.adapter, str):
        hub_part(listed).fetch(watch)
        yield Adding([f"{source} is on this machine now (licence: {listed.licence or 'see its model card'})."], source)
        return
    entry = add(home, source, words, watch)
    licence = f"licence {entry.licence}" if entry.licence else "no licence stated"
    yield Adding([f"{entry.name} is a {entry.kind} of {entry.backbone} ({licence}); it is in the menu."], entry.name)


def _key(visitor: Visitor) -> str:
    return f"add {visitor.page}"
