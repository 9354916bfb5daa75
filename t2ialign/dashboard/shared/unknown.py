"""Raw requests for what the page does not have, or that Gradio cannot read: 404 or 400 and a sentence, no traceback and 500."""

from __future__ import annotations

import re
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import gradio as gr
from gradio import routes
from gradio.queueing import Queue
from gradio.route_utils import API_PREFIX, FnIndexInferError
from gradio.server_messages import UnexpectedErrorMessage
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from t2ialign.dashboard.shared.refusals import refusal
from t2ialign.types import InputError

GRADIO = Path(gr.__file__).parent
OURS = Path(__file__).parents[2]
ROUTER = "routing.py"  # of Starlette and of FastAPI: what lies beyond its last frame is what was asked
SENTENCE = "This page has no such endpoint, event or component: docs/api.md lists what programs may ask."
UNCLEAR = "This request was not understood ({}): docs/api.md says what each endpoint takes."
NOT_WAITING = "Nothing waits here: ask again. An answer is told once, while somebody listens or soon after."
_ANSWER = re.compile(f"{API_PREFIX}/call/(?:v2/)?[^/]+/([^/]+)$")  # where a program hears what became of a call
_ANSWERS = f"{API_PREFIX}/queue/data"  # where a page hears it


def unknown_handlers() -> dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]]:
    """By what Gradio raises: of a name or number that is none, and of parameters or files that it cannot take apart."""
    misread = dict.fromkeys((TypeError, ValueError, AttributeError, routes.httpx.InvalidURL), _unclear)  # type: ignore[attr-defined]
    return {FnIndexInferError: _unknown, KeyError: _unknown, **misread}


async def _unknown(request: Request, error: Exception) -> Response:
    if not _looked_in_vain(request, error):
        raise error
    return JSONResponse({"error": SENTENCE}, 404)


async def _unclear(request: Request, error: Exception) -> Response:
    if not _looked_in_vain(request, error):
        raise error
    return JSONResponse({"error": _unclear_sentence(error)}, 400)


def _unclear_sentence(error: Exception) -> str:
    said = str(error).strip().partition("\n")[0].partition(". Please click")[0][:200].rstrip(".")
    return UNCLEAR.format("".join(one if one.isprintable() else "?" for one in said))


def _looked_in_vain(request: Request, error: Exception) -> bool:
    """Only below Gradio's own addresses and where it was Gradio who asked last, and not we: else it is a failure of ours."""
    files = [Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    last = max((number for number, file in enumerate(files) if file.name == ROUTER), default=-1)
    askers = [place for file in files[last + 1 :] for place in (GRADIO, OURS) if place in file.parents]
    return f"{API_PREFIX}/" in request.url.path and askers[-1:] == [GRADIO]


def refuse_unread(blocks: gr.Blocks) -> None:
    """Values that a page's components cannot read, and events that run in a browser alone, are refused without a traceback."""
    read = blocks.preprocess_data

    async def understood(fn: Any, *values: Any) -> Any:
        if fn.fn is None:
            raise refusal(InputError(SENTENCE))
        try:
            return await read(fn, *values)
        except gr.Error as error:
            error.print_exception = False
            raise
        except Exception as error:
            raise refusal(InputError(_unclear_sentence(error))) from error

    blocks.preprocess_data = understood  # type: ignore[method-assign, assignment]


class KnownStreams:
    """Streams of answers that nobody waits for are refused before they begin: Gradio would break them off in the middle.

    A page is told that its session is gone, as Gradio tells it; a program hears 404 and a sentence.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or API_PREFIX not in scope["path"]:
            await self.app(scope, receive, send)
        elif refused := _refused(scope):
            await refused(scope, receive, send)
        else:
            await self._heard(scope, receive, send)

    async def _heard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A stream whose session is let go of meanwhile ends; what Gradio raises for that is no failure."""
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, sent)
        except Exception:
            if not (begun and _is_stream(scope) and _refused(scope)):
                raise
            await send({"type": "http.response.body", "body": b""})


def _is_stream(scope: Scope) -> bool:
    return scope["path"].endswith(_ANSWERS) or bool(_ANSWER.search(scope["path"]))


def _refused(scope: Scope) -> Response | None:
    """What to say where nothing waits; nothing of an address that is no stream, or of one whose answer is there."""
    if scope["path"].endswith(_ANSWERS):
        said = parse_qs(scope["query_string"].decode(errors="replace"), keep_blank_values=True).get("session_hash")
        if not said or said[-1] in _queue(scope).pending_messages_per_session:
            return None
        gone = UnexpectedErrorMessage(message=NOT_WAITING, session_not_found=True)
        return Response(f"data: {gone.model_dump_json()}\n\n", media_type="text/event-stream")
    if not (found := _ANSWER.search(scope["path"])):
        return None
    queue, event = _queue(scope), found[1]
    told_later = (event in ids for ids in queue.pending_event_ids_session.values())
    return None if event in queue.event_ids_to_events or any(told_later) else JSONResponse({"error": NOT_WAITING}, 404)


def _queue(scope: Scope) -> Queue:
    queue: Queue = scope["app"].get_blocks()._queue
    return queue
