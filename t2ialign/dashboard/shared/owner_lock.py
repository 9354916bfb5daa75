"""The owner's key on the page: typed once on any tab, it opens all of them for this session."""

from __future__ import annotations

import gradio as gr
from gradio.context import Context
from gradio.events import Dependency

from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.templates import render
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
    """Where a token is set: the field that unlocks the page, under a sentence that says what for."""
    with gr.Column(visible=owner.locked(""), elem_classes="t2-lock") as lock:
        gr.HTML(render("shared/lock.html", words=words), apply_default_css=False)
        with gr.Row():
            token = gr.Textbox(label="Owner's token", type="password", scale=1, elem_classes="t2-token")
            unlock = gr.Button("Unlock", variant="primary", scale=0, min_width=110)
        problem = gr.HTML("", apply_default_css=False)
    return {"key": shared_key(), "lock": lock, "token": token, "unlock": unlock, "lock_problem": problem}


def wire_lock(wires: Wires) -> Dependency:
    """The one handler that takes the token, and what follows on every tab; returns the latter."""
    parts = wires.components
    wires.on([parts["unlock"].click, parts["token"].submit], unlock, ("token",), ("key", "token", "lock_problem"))
    return wires.on(parts["key"].change, opened, ("key",), ("lock",), trigger_mode="multiple")


def unlock(token: str | None) -> Updates:
    """The key for this session, and nothing else; a wrong token is told so."""
    try:
        return {"key": owner.unlocked(token or ""), "token": "", "lock_problem": ""}
    except InputError as error:
        return {"token": "", "lock_problem": notice(str(error))}


def opened(key: str) -> Updates:
    """The field goes once the key fits."""
    return {"lock": gr.Column(visible=owner.locked(key))}
