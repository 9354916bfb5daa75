"""Explore's fold for a prompt set from elsewhere: a file sent up, a path, or a dataset of the Hub. It is the owner's alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import gradio as gr

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.visitors import Visitor
from t2ialign.dashboard.shared.wiring import Updates, Wires
from t2ialign.types import InputError
from t2ialign.use_cases.batches.prompt_import import Wanted, import_prompts
from t2ialign.use_cases.batches.prompt_layouts import READERS

ASKED = ("set_source", "set_file", "set_name", "set_split", "set_limit")
ANSWERED = ("set_answer", "set_timer", "set_add", "prompt_set")
SECONDS = 1.0
SPLITS = [("The only one", ""), *((name, name) for name in ("train", "val", "test", "all"))]


@dataclass(frozen=True)
class Importing:
    """An import as the engine keeps it: what was said so far, and the set's name at the end."""

    news: list[str] = field(default_factory=list)
    added: str = ""


def panel() -> dict[str, gr.blocks.Block]:
    """What there is to fill in; only what says where it comes from is needed."""
    with gr.Accordion("Add a prompt set", open=False, visible=not owner.locked(""), elem_id="t2-add-set") as fold:
        source = gr.Textbox(
            "",
            label="Dataset of the Hub, or path",
            info="T2I-CompBench, HPSv2, PartiPrompts, DrawBench, GenEval, DiffusionDB, Pick-a-Pic, or a list of your own. "
            "Everybody who sees this page can choose it",
            elem_id="t2-set-source",
        )
        file = gr.File(
            label=f"Or a file ({', '.join(sorted(READERS))})",
            file_types=sorted(READERS),
            height=90,
            elem_id="t2-set-file",
        )
        name = gr.Textbox("", label="Name", placeholder="As its source is called", max_lines=1)
        with gr.Row():
            split = gr.Dropdown(SPLITS, value="", label="Split", filterable=False, min_width=110)
            limit = gr.Number(0, label="At most (0: all)", precision=0, minimum=0, min_width=110)
        button = gr.Button("Read and add", size="sm", elem_id="t2-set-button")
        answer = gr.HTML("", apply_default_css=False, elem_id="t2-set-answer")
    return {
        "set_fold": fold,
        "set_source": source,
        "set_file": file,
        "set_name": name,
        "set_split": split,
        "set_limit": limit,
        "set_add": button,
        "set_answer": answer,
        "set_timer": gr.Timer(SECONDS, active=False),
    }


def wire(wires: Wires, services: Services) -> None:
    """The button, the timer that watches, and the fold that is there once the owner's key fits."""
    parts = wires.components
    wires.on_visit(parts["set_add"].click, partial(begin_import, services), ASKED, ANSWERED, trigger_mode="once")
    wires.on_visit(parts["set_timer"].tick, partial(look_at_import, services), (), ANSWERED, trigger_mode="once")
    wires.on(parts["key"].change, opened, ("key",), ("set_fold",), trigger_mode="multiple")


def opened(key: str) -> Updates:
    return {"set_fold": gr.Accordion(visible=not owner.locked(key))}


def begin_import(services: Services, visitor: Visitor, *fields: str | float | None) -> Updates:
    """Hands the import to the thread that fetches; a file that was sent up goes before what was typed."""
    if not visitor.owner:
        return {"set_answer": notice(owner.REFUSAL)}
    source, file, name, split = (str(said or "").strip() for said in fields[:4])
    if not (file or source):
        raise InputError("Say where the prompts come from: a dataset of the Hub, a path, or a file.")
    wanted = Wanted(name or (Path(file).stem.lower() if file else ""), split, int(fields[4] or 0))
    services.downloads.submit(_key(visitor), partial(_work, services.bench.home, file or source, wanted))
    return {
        "set_answer": notice("Reading.", "hint"),
        "set_timer": gr.Timer(active=True),
        "set_add": gr.Button(interactive=False),
    }


def look_at_import(services: Services, visitor: Visitor) -> Updates:
    """How the import stands; at its end the set is in the menu and chosen."""
    if not visitor.owner:
        return {"set_answer": notice(owner.REFUSAL), "set_timer": gr.Timer(active=False)}
    task = services.downloads.look(_key(visitor))
    if task is not None and not task.finished:
        return {"set_answer": notice("Reading.", "hint")}
    ended = {"set_timer": gr.Timer(active=False), "set_add": gr.Button(interactive=True)}
    if task is None or task.error:
        return {**ended, "set_answer": notice(task.error if task else "The server was started anew: ask again.")}
    return {**ended, "set_answer": notice(" ".join(task.record.news), "hint"), "prompt_set": menu(services)}


def menu(services: Services) -> gr.Dropdown:
    """The prompt sets that there are now; what is chosen stays."""
    return gr.Dropdown([(f"Examples: {name}", name) for name in services.prompts])


def offer_sets(services: Services) -> Updates:
    """The same whenever the tab is opened: sets are imported on the command line too."""
    return {"prompt_set": menu(services)}


def _work(home: Path, source: str, wanted: Wanted, cancelled: Callable[[], bool]) -> Iterator[Importing]:
    found: list[str] = []
    card = import_prompts(source, wanted, home, found.append)
    yield Importing([f"{card.name} has {card.count} prompts; it is among the examples.", *found], card.name)


def _key(visitor: Visitor) -> str:
    return f"prompts {visitor.page}"
