"""The owner's key on the page: typed once on any tab, it opens all of them for this session."""

from __future__ import annotations

import os
from functools import partial
from importlib.util import find_spec

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
    ownerless = "" if settings.OWNER_TOKEN or sign_in() else owner.NO_OWNER
    with gr.Column(visible=owner.locked(""), elem_classes="t2-lock") as lock:
        gr.HTML(render("shared/lock.html", words=f"{words} {ownerless}".strip()), apply_default_css=False)
        if sign_in():
            gr.LoginButton(size="md", min_width=220)
        with gr.Row(visible=bool(settings.OWNER_TOKEN)):
            token = gr.Textbox(label="Owner's token", type="password", scale=1, elem_classes="t2-token")
            unlock = gr.Button("Unlock", variant="primary", scale=0, min_width=110)
        problem = gr.HTML("", apply_default_css=False)
    return {"key": shared_key(), "lock": lock, "token": token, "unlock": unlock, "lock_problem": problem}


def sign_in() -> bool:
    """Whether owners can say who they are through the Hub: on a Space with OAuth, where its two libraries are here."""
    there = find_spec("authlib") and find_spec("itsdangerous")
    return bool(there and settings.SPACE and settings.OWNERS and os.environ.get("OAUTH_CLIENT_ID"))


def wire_sign_in(page: gr.Blocks) -> None:
    """A new session of an owner who has signed in gets its key at once; of anybody else, none."""
    if sign_in():
        page.load(recognise, None, shared_key(), show_progress="hidden", api_visibility="private")


def recognise(profile: gr.OAuthProfile | None) -> str:
    """The key of whoever the Hub says it is; Gradio finds the profile by this hint."""
    return owner.key_of(profile.username) if profile else ""


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
