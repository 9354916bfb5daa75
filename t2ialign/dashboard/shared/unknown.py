"""Raw requests for what the page does not have: 404 and a sentence, where Gradio has a traceback and 500."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

import gradio as gr
from gradio.route_utils import API_PREFIX, FnIndexInferError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

GRADIO = Path(gr.__file__).parent
SENTENCE = "This page has no such endpoint, event or component: docs/api.md lists what programs may ask."


def unknown_handlers() -> dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]]:
    """By what Gradio raises: of an endpoint's name, and of an event's or a component's number."""
    return {FnIndexInferError: _unknown, KeyError: _unknown}


async def _unknown(request: Request, error: Exception) -> Response:
    """Only below Gradio's own addresses and where its own code looked in vain: else it is a failure of ours, and stays one."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    if f"{API_PREFIX}/" not in request.url.path or not all(GRADIO in Path(frame.filename).parents for frame in last):
        raise error
    return JSONResponse({"error": SENTENCE}, 404)
