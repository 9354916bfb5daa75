"""Explore's fold for a prompt set from elsewhere: a file sent up, a path, or a dataset of the Hub. It is the owner's alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from t2ialign.dashboard.explore.example_prompts import sets_menu
from t2ialign.dashboard.explore.fetching_fold import FetchingFold, FetchNews
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.visitors import Visitor
from t2ialign.dashboard.shared.wiring import Updates, Wires
from t2ialign.use_cases.batches import prompt_sets
from t2ialign.use_cases.batches.prompt_import import ImportOptions, import_prompts
from t2ialign.use_cases.batches.prompt_layouts import READERS

FOLD = FetchingFold("set", "prompts", "Add a prompt set", "Reading.")
ASKED = ("source", "file", "name", "split", "limit")
WHENCE = "Say where the prompts come from: a dataset of the Hub, a path, or a file."
SPLITS = [("The only one", ""), *((name, name) for name in ("train", "val", "test", "all"))]


def panel() -> dict[str, gr.blocks.Block]:
    """What there is to fill in; only what says where it comes from is needed."""
    return FOLD.panel(_fields, "Read and add")


def _fields() -> dict[str, Any]:
    source = gr.Textbox(
        "",
        label="Dataset of the Hub, or path",
        info="T2I-CompBench, HPSv2, PartiPrompts, DrawBench, GenEval, DiffusionDB, Pick-a-Pic, or a list of your own. "
        "Everybody who sees this page can choose it",
        elem_id="t2-set-source",
    )
    kinds = sorted(READERS)
    file = gr.File(label=f"Or a file ({', '.join(kinds)})", file_types=kinds, height=90, elem_id="t2-set-file")
    name = gr.Textbox("", label="Name", placeholder="As its source is called", max_lines=1)
    with gr.Row():
        split = gr.Dropdown(SPLITS, value="", label="Split", filterable=False, min_width=110)
        limit = gr.Number(0, label="At most (0: all)", precision=0, minimum=0, min_width=110)
    return {"source": source, "file": file, "name": name, "split": split, "limit": limit}


def wire(wires: Wires, services: Services) -> None:
    """The button, the timer and the owner's key."""
    work, look = partial(begin_import, services), partial(look_at_import, services)
    FOLD.wire(wires, work, look, partial(unlisted_sets, services), ASKED, ("prompt_set",), ("checkpoints",))


def begin_import(services: Services, visitor: Visitor, *fields: str | float | None) -> Updates:
    """Hands the import to the thread that fetches; a file that was sent up goes before what was typed."""
    if not visitor.owner:
        return FOLD.refused()
    source, file, name, split = (str(said or "").strip() for said in fields[:4])
    wanted = ImportOptions(name, split, int(fields[4] or 0))
    work = partial(_work, services.bench.home, file or source, wanted)
    return FOLD.begin(services, visitor, file or source, WHENCE, work)


def look_at_import(services: Services, visitor: Visitor, checkpoints: Sequence[str] | None = ()) -> Updates:
    """How the import stands; at its end the set is in the menu of these checkpoints' sets, and chosen."""
    return FOLD.look(services, visitor, lambda came: {"prompt_set": sets_menu(services, checkpoints or (), came.name)})


def unlisted_sets(services: Services, visitor: Visitor) -> Updates:
    """The files among the sets that are in no menu."""
    return FOLD.missing(visitor, lambda: prompt_sets.unreadable(services.bench.home))


def offer_sets(services: Services, checkpoints: Sequence[str] | None) -> Updates:
    """The same whenever the tab is opened: sets are imported on the command line too."""
    return {"prompt_set": sets_menu(services, checkpoints or ())}


def _work(home: Path, source: str, wanted: ImportOptions) -> Iterator[FetchNews]:
    found: list[str] = []
    card = import_prompts(source, wanted, home, found.append)
    yield FetchNews([f"{card.name} has {card.count} prompts; it is among the examples.", *found], card.name)
