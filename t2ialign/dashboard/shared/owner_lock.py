"""The owner's key on the page: typed once on any tab, it opens all of them for this session."""

from __future__ import annotations

from functools import partial

import gradio as gr
from gradio.context import Context
from gradio.events import Dependency

from t2ialign import settings
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.visitors import Visitor
from t2ialign.dashboard.shared.wiring import Updates, Wires
from t2ialign.types import InputError

KEY = "t2-key"


def shared_key() -> gr.State:
    """The key of the page that is being built: the same for whichever tab asks."""
    page = Context.root_block
    for block in page.blocks.values() if page else ():
        if isinstance(block, gr.State) and block.elem_id == KEY:
            return block
    key = gr.State("")
    key.elem_id = KEY
    return key


def lock_panel(words: str) -> dict[str, gr.blocks.Block]:
    """Where the page has strangers: the field that unlocks it, under a sentence that says what for."""
    ownerless = "" if settings.OWNER_TOKEN else owner.NO_OWNER
    with gr.Column(visible=owner.locked(""), elem_classes="t2-lock") as lock:
        gr.HTML(render("shared/lock.html", words=f"{words} {ownerless}".strip()), apply_default_css=False)
        with gr.Row(visible=not ownerless):
            token = gr.Textbox(label="Owner's token", type="password", scale=1, elem_classes="t2-token")
            unlock = gr.Button("Unlock", variant="primary", scale=0, min_width=110)
        problem = gr.HTML("", apply_default_css=False)
    return {"key": shared_key(), "lock": lock, "token": token, "unlock": unlock, "lock_problem": problem}


def wire_lock(wires: Wires, guesses: owner.Guesses) -> Dependency:
    """The one handler that takes the token, and what follows on every tab; returns the latter."""
    parts = wires.components
    typed = [parts["unlock"].click, parts["token"].submit]
    wires.on_visit(typed, partial(unlock, guesses), ("token",), ("key", "token", "lock_problem"))
    return wires.on(parts["key"].change, opened, ("key",), ("lock",), trigger_mode="multiple")


def unlock(guesses: owner.Guesses, visitor: Visitor, token: str | None) -> Updates:
    """The key for this session, and nothing else; a wrong token is told so."""
    try:
        return {"key": owner.unlocked(token or "", guesses, visitor.address), "token": "", "lock_problem": ""}
    except InputError as error:
        return {"token": "", "lock_problem": notice(str(error))}


def opened(key: str) -> Updates:
    """The field goes once the key fits."""
    return {"lock": gr.Column(visible=owner.locked(key))}
