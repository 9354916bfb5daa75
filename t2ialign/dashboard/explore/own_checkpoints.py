"""Explore's fold for the checkpoints of this store: renamed, annotated, deleted and brought back. It is the owner's alone."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from t2ialign.dashboard.explore import makers_numbers
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.checkpoint_menu import MENUS, menus
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.visitors import Visitor
from t2ialign.dashboard.shared.wiring import Updates, Wires
from t2ialign.types import InputError
from t2ialign.use_cases.additions import Words, annotate
from t2ialign.use_cases.align import removal

FIELDS = ("own_name", "own_note", "own_licence", "own_steps", "own_scale", "own_scheduler")
MENU = ("own_chosen", *FIELDS, "own_save", "own_delete", "own_answer")
NONE_YET = "None yet: what is added above, trained or merged is listed here."


def panel() -> dict[str, gr.blocks.Block]:
    """Which one, what is said of it, and two buttons."""
    with gr.Accordion("Your checkpoints", open=False, visible=not owner.locked(""), elem_id="t2-own-fold") as fold:
        parts: dict[str, Any] = {
            "own_chosen": gr.Dropdown([], label="Checkpoint", info="Of this store", elem_id="t2-own-chosen"),
            "own_name": gr.Textbox("", label="Name", max_lines=1, elem_id="t2-own-name"),
            "own_note": gr.Textbox("", label="Note", max_lines=2, elem_id="t2-own-note"),
            "own_licence": gr.Textbox("", label="Licence", max_lines=1, elem_id="t2-own-licence"),
            **{f"own_{name}": part for name, part in makers_numbers.fields("t2-own").items()},
        }
        with gr.Row():
            parts["own_save"] = gr.Button("Save", size="sm", interactive=False, min_width=90, elem_id="t2-own-save")
            parts["own_delete"] = gr.Button(
                "Delete", size="sm", interactive=False, min_width=90, elem_id="t2-own-delete"
            )
        parts["own_answer"] = gr.HTML("", apply_default_css=False, elem_id="t2-own-answer")
    return {"own_fold": fold, **parts}


def wire(wires: Wires, services: Services) -> None:
    """Read when the fold is opened; every button asks who it is."""
    parts = wires.components
    wires.on_visit(parts["own_fold"].expand, partial(list_own, services), (), MENU)
    wires.on_visit(
        parts["own_chosen"].input, partial(show_own, services), ("own_chosen",), MENU, trigger_mode="always_last"
    )
    saved = partial(save_own, services)
    wires.on_visit(parts["own_save"].click, saved, ("own_chosen", *FIELDS), (*MENU, *MENUS), trigger_mode="once")
    moved = partial(move_own, services)
    wires.on_visit(parts["own_delete"].click, moved, ("own_chosen",), (*MENU, *MENUS), trigger_mode="once")

    def opened(key: str) -> Updates:
        return {"own_fold": gr.Accordion(visible=not owner.locked(key))}

    wires.on(parts["key"].change, opened, ("key",), ("own_fold",), trigger_mode="multiple")


def list_own(services: Services, visitor: Visitor) -> Updates:
    """The checkpoints of this store, the deleted ones last."""
    if not visitor.owner:
        return _refused()
    return {**_shown(services, None), "own_answer": "" if _all(services) else notice(NONE_YET, "hint")}


def show_own(services: Services, visitor: Visitor, name: str | None) -> Updates:
    """What is known of the chosen one."""
    return {**_shown(services, name), "own_answer": ""} if visitor.owner else _refused()


def save_own(services: Services, visitor: Visitor, name: str | None, new: str | None, *more: Any) -> Updates:
    """Writes the note, the licence and the makers' numbers (``more``) down, and gives it its new name."""
    if not visitor.owner:
        return _refused()
    note, licence = ((said or "").strip() for said in more[:2])
    words = Words("", "", "", note, licence, **makers_numbers.said(*more[2:]))
    chosen, wanted = _known(services, name), (new or "").strip()
    said = f"{chosen} is saved."
    if wanted and wanted != chosen:
        removal.rename(services.bench, chosen, wanted)
        said = f"{chosen} is {wanted} now; what it drew before is stored under {chosen}."
    annotate(services.bench.home, wanted or chosen, words)
    owner.note_act("", "save_own")
    return {**_shown(services, wanted or chosen), **menus(services), "own_answer": notice(said, "hint")}


def move_own(services: Services, visitor: Visitor, name: str | None) -> Updates:
    """Deletes the chosen one, or brings it back where it was deleted; its pictures and scores stay in any case."""
    if not visitor.owner:
        return _refused()
    chosen = _known(services, name)
    back = chosen in _gone(services)
    (removal.restore if back else removal.remove)(services.bench, chosen)
    owner.note_act("", "move_own")
    said = f"{chosen} is back." if back else f"{chosen} is deleted; its pictures and scores stay."
    return {**_shown(services, chosen), **menus(services), "own_answer": notice(said, "hint")}


def _known(services: Services, name: str | None) -> str:
    if name not in _all(services):
        raise InputError("Choose one of your checkpoints first.")
    return str(name)


def _gone(services: Services) -> list[str]:
    return [name for name in removal.removed(services.bench) if name not in services.checkpoints()]


def _all(services: Services) -> list[str]:
    return [*sorted(removal.own(services.bench)), *_gone(services)]


def _shown(services: Services, name: str | None) -> Updates:
    """The menu with its choice, what is written down of that, and what the buttons do with it."""
    gone, entry = _gone(services), services.checkpoints().get(name or "")
    offered = [(f"{one} (deleted)" if one in gone else one, one) for one in _all(services)]
    found = name if name in _all(services) else None
    return {
        "own_chosen": gr.Dropdown(offered, value=found),
        "own_name": entry.name if entry else "",
        "own_note": entry.note if entry else "",
        "own_licence": entry.licence if entry else "",
        **dict(zip(FIELDS[3:], makers_numbers.shown(entry), strict=True)),
        "own_save": gr.Button(interactive=entry is not None),
        "own_delete": gr.Button("Bring back" if found in gone else "Delete", interactive=found is not None),
    }


def _refused() -> Updates:
    return {"own_answer": notice(owner.REFUSAL)}
