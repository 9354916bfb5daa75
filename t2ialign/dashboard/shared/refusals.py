"""Refusals as HTTP means them: 422, or 429 for what may be asked later, where Gradio answers 500 as to a failure of its own."""

from __future__ import annotations

import json

import gradio as gr
from gradio.route_utils import API_PREFIX
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from t2ialign.dashboard.shared.visitors import TooMany
from t2ialign.types import InputError

LATER = "Not now"  # the title of what may be asked later
CALLED = (f"{API_PREFIX}/run/", f"{API_PREFIX}/api/")  # Gradio's addresses that answer at once


def refusal(error: InputError) -> gr.Error:
    """A sentence of ours, as Gradio shows it."""
    title = LATER if isinstance(error, TooMany) else "Error"
    return gr.Error(str(error), print_exception=False, title=title)


class Refusals:
    """Gives an answer that holds a sentence its status; what has failed keeps its 500."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        held: list[Message] = []

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 500:
                held.append(message)
            elif held:
                held.append(message)
                if not message.get("more_body"):
                    held[0]["status"] = _status(held)
                    for one in held:
                        await send(one)
                    held.clear()
            else:
                await send(message)

        ours = scope["type"] == "http" and any(called in scope["path"] for called in CALLED)
        await self.app(scope, receive, sent if ours else send)


def _status(held: list[Message]) -> int:
    try:
        said = json.loads(b"".join(one.get("body", b"") for one in held[1:]))
    except ValueError:
        return 500
    if not isinstance(said, dict) or not said.get("error"):
        return 500
    return 429 if said.get("title") == LATER else 422
