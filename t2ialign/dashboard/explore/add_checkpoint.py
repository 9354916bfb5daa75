"""Explore's fold for a checkpoint from elsewhere: an id of the Hub, a path, a file sent up, or a published one's name.

It is the owner's alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr

from t2ialign.dashboard.explore import makers_numbers
from t2ialign.dashboard.explore.fetching_fold import FetchingFold, FetchNews
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.checkpoint_menu import MENUS, menus
from t2ialign.dashboard.shared.visitors import Visitor
from t2ialign.dashboard.shared.wiring import Updates, Wires
from t2ialign.network import in_bytes
from t2ialign.registry import hub_part, load_registry
from t2ialign.types import InputError
from t2ialign.use_cases.additions import SAFE, Words, add

FOLD = FetchingFold("add", "add", "Add a checkpoint", "Checking.")
ASKED = ("source", "file", "name", "backbone", "note", "licence", "steps", "scale", "scheduler")
WHENCE = "Say where it comes from: an id of the Hub, a path, or a file."


def panel(services: Services) -> dict[str, gr.blocks.Block]:
    """What there is to fill in; only what says where it comes from is needed."""
    return FOLD.panel(partial(_fields, services), "Check and add")


def _fields(services: Services) -> dict[str, Any]:
    backbones = [(one.title or key, key) for key, one in services.bench.registry().backbones.items()]
    return {
        "source": gr.Textbox(
            "",
            label="Hub id or path",
            info="A LoRA, a DoRA or a whole UNet: org/name, org/name/file.safetensors, a path on the server, or a name of the "
            "menu whose weights are not here yet. Of files sent up, peft's two or a UNet's go together",
            elem_id="t2-add-source",
        ),
        "file": gr.File(
            label="Or its files (safetensors, json)",
            file_types=[".safetensors", ".json"],
            file_count="multiple",
            height=110,
            elem_id="t2-add-file",
        ),
        "name": gr.Textbox("", label="Name", placeholder="As its source is called", max_lines=1),
        "backbone": gr.Dropdown([("Whichever it fits", ""), *backbones], value="", label="Backbone", filterable=False),
        "note": gr.Textbox("", label="Note", max_lines=1),
        "licence": gr.Textbox("", label="Licence", placeholder="As the Hub states it", max_lines=1),
        **makers_numbers.fields("t2-add"),
    }


def wire(wires: Wires, services: Services) -> None:
    """The button, the timer and the owner's key."""
    missing = partial(unlisted_checkpoints, services)
    FOLD.wire(wires, partial(begin, services), partial(look, services), missing, ASKED, MENUS)


def begin(services: Services, visitor: Visitor, source: str | None, files: Any, *fields: Any) -> Updates:
    """Hands the addition to the thread that fetches; files that were sent up go before what was typed.

    ``fields``: what ``ASKED`` has after the file.
    """
    if not visitor.owner:
        return FOLD.refused()
    name, backbone, note, licence = ((said or "").strip() for said in fields[:4])
    words = Words(name, "", backbone, note, licence, **makers_numbers.said(*fields[4:]))
    sent = tuple(Path(file) for file in ([files] if isinstance(files, str) else files or ()))
    place = (source or "").strip()
    work = (
        partial(_of_files, services.bench.home, sent, words)
        if sent
        else partial(_work, services.bench.home, place, words)
    )
    begun = FOLD.begin(services, visitor, place or " ".join(file.name for file in sent), WHENCE, work)
    owner.note_act("", "add_checkpoint")
    return begun


def look(services: Services, visitor: Visitor) -> Updates:
    """How the addition stands; at its end the menu has it."""
    return FOLD.look(services, visitor, lambda _: menus(services))


def unlisted_checkpoints(services: Services, visitor: Visitor) -> Updates:
    """The folders among the checkpoints that are in no menu."""
    return FOLD.missing(visitor, lambda: services.bench.registry().problems)


def _of_files(home: Path, files: Sequence[Path], words: Words) -> Iterator[FetchNews]:
    """One file as it lies, or several as the folder that they were; where they lie meanwhile is nobody's business."""
    with TemporaryDirectory() as place:
        source = files[0]
        if len(files) > 1:
            weights = next((file for file in files if file.suffix == SAFE), files[0])
            source = Path(place) / weights.stem
            source.mkdir()
            for file in files:
                shutil.copyfile(file, source / file.name)
        try:
            yield from _work(home, str(source), words)
        except InputError as error:
            raise InputError(str(error).replace(f"{source.parent}/", "")) from error


def _work(home: Path, source: str, words: Words) -> Iterator[FetchNews]:
    found = FetchNews()
    yield found

    def watch(done: int, total: int | None) -> None:
        of = f" of {in_bytes(total)}" if total else ""
        found.news[:] = [f"Fetching {source}: {in_bytes(done)}{of}."]

    listed = load_registry(home=home).checkpoints.get(source)
    if listed is not None and isinstance(listed.adapter, str):
        hub_part(listed).fetch(watch)
        yield FetchNews([f"{source} is on this machine now (licence: {listed.licence or 'see its model card'})."])
        return
    granted: list[str] = []
    entry = add(home, source, words, watch, granted.append)
    licence = f"licence {entry.licence}" if entry.licence else "no licence stated"
    yield FetchNews([f"{entry.name} is a {entry.kind} of {entry.backbone} ({licence}); it is in the menu.", *granted])
