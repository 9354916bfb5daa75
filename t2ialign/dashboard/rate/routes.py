"""The participants' page and its small JSON endpoints: routes beside Gradio's app, and the same as named API endpoints.

No cookie is set and nothing about the browser is kept: its address is counted in memory where there are strangers, so that
nobody begins surveys without end, and neither it nor the user agent reaches a study.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import gradio as gr
from gradio.events import api
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from t2ialign.dashboard.rate import arena, handlers
from t2ialign.dashboard.shared.refusals import refusal
from t2ialign.dashboard.shared.wiring import asset
from t2ialign.store import Store
from t2ialign.store.errors import StoreBusy, StoreTrouble
from t2ialign.types import InputError

FILES = {
    "rate.css": "text/css",
    "rate.js": "text/javascript",
    "rate.make.js": "text/javascript",
    "rate.round.js": "text/javascript",
    "rate.large.js": "text/javascript",
    "rate.arena.js": "text/javascript",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'"
)
SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
PAGE = {**SAFE, "Cache-Control": "no-store", "Content-Security-Policy": POLICY}
PICTURE = {**SAFE, "Cache-Control": "private, max-age=3600"}
LONGEST = 16_384  # bytes of a question from outside
TROUBLE = (
    "The server cannot keep or find answers just now: tell whoever invited you. What was saved before is still there."
)
Admits = Callable[[str], None]
Answer = TypeVar("Answer")
_log = logging.getLogger(__name__)
QUESTIONS: dict[str, tuple[Callable[..., handlers.Record], tuple[str, ...]]] = {
    "look": (handlers.look, ("key",)),
    "join": (handlers.join, ("group", "consent", "key")),
    "survey": (handlers.resume, ("survey",)),
    "answer": (handlers.answer, ("survey", "trial", "answer", "milliseconds", "revision")),
    "withdraw": (handlers.take_back, ("code",)),
    "more": (arena.more, ("survey",)),
    "standings": (arena.standings, ()),
}
"""What a rater's browser may ask for, and the fields that it sends along."""


def everybody(address: str) -> None:
    """Room for any number of surveys from any address."""


def _joined(admits: Admits, address: str, store: Store, *values: Any) -> handlers.Record:
    admits(address)
    return handlers.join(store, *values)


def _address(request: Any) -> str:
    return request.client.host if request.client else ""


def rate_routes(store: Store, admits: Admits = everybody) -> list[Route]:
    """What the server needs to answer for the participants' page; ``admits`` refuses an address one survey too many."""
    return [
        Route("/rate/{name:str}", _page),
        Route("/rate/{study:str}/{survey:str}/{name:str}.webp", partial(_picture, store)),
        Route("/rate/{study:str}/{question:str}", partial(_question, store, admits), methods=["POST"]),
    ]


def rate_api(store: Store, admits: Admits = everybody) -> None:
    """The same as named endpoints of Gradio's API, so that programs can take part. Call it within the blocks."""
    # Gradio describes an endpoint by these very hints.

    def rate_look(study: str) -> dict:  # type: ignore[type-arg]
        """What a study asks, and whether it is open."""
        return _said(handlers.look, store, study)

    def rate_join(request: gr.Request, study: str, group: str, consent: bool) -> dict:  # type: ignore[type-arg]
        """A new survey: its id, its rounds with picture addresses (below /rate/), and its withdraw code."""
        return _said(partial(_joined, admits, _address(request)), store, study, group, consent)

    def rate_survey(study: str, survey: str) -> dict:  # type: ignore[type-arg]
        """A survey as it stands."""
        return _said(handlers.resume, store, study, survey)

    def rate_answer(study: str, survey: str, trial: str, answer: dict, milliseconds: int, revision: int) -> dict:  # type: ignore[type-arg]
        """Keep an answer, {"chosen": [positions], "verdict": ""}; it is on disk once this returns."""
        return _said(handlers.answer, store, study, survey, trial, answer, milliseconds, revision)

    def rate_withdraw(study: str, code: str) -> dict:  # type: ignore[type-arg]
        """Delete the survey of this code."""
        return _said(handlers.take_back, store, study, code)

    endpoints: tuple[Any, ...] = (rate_look, rate_join, rate_survey, rate_answer, rate_withdraw)
    for endpoint in endpoints:
        endpoint._mcp_type = "none"  # people rate, not tools
        api(endpoint, api_name=endpoint.__name__, concurrency_limit=None)


def _done(handler: Callable[..., Answer], store: Store, /, *values: Any, **fields: Any) -> Answer:
    """What a handler answers. Trouble with the store is told without its folders, which are the owner's to know."""
    try:
        return handler(store, *values, **fields)
    except (StoreTrouble, StoreBusy) as error:
        _log.error("A rater could not be served: %s", error)
        raise InputError(TROUBLE) from error


def _said(handler: Callable[..., handlers.Record], store: Store, *values: Any) -> handlers.Record:
    try:
        return _done(handler, store, *values)
    except InputError as error:
        raise refusal(error) from error


def _page(request: Request) -> Response:
    name = request.path_params["name"]
    return Response(
        asset(f"rate/{name if name in FILES else 'rate.html'}"), media_type=FILES.get(name, "text/html"), headers=PAGE
    )


def _picture(store: Store, request: Request) -> Response:
    try:
        data = _done(handlers.picture, store, **request.path_params)
    except InputError as error:
        return Response(str(error), 404, media_type="text/plain", headers=PAGE)
    return Response(data, media_type="image/webp", headers=PICTURE)


async def _question(store: Store, admits: Admits, request: Request) -> Response:
    study, name = request.path_params["study"], request.path_params["question"]
    if name not in QUESTIONS:
        return _refusal("There is nothing here.", 404)
    handler, fields = QUESTIONS[name]
    body = await _body(request)
    if body is None:
        return _refusal("This was not understood: send a short JSON object.", 400)
    try:
        if name == "join":
            admits(_address(request))
        said = {field: body[field] for field in fields if field in body}
        told = await run_in_threadpool(_done, handler, store, study, **said)
    except InputError as error:
        return _refusal(str(error), 422)
    except TypeError:
        return _refusal(f"This was not understood: send {', '.join(fields)}.", 400)
    return JSONResponse(told, headers=PAGE)


async def _body(request: Request) -> dict[str, Any] | None:
    """A JSON object of sane length, sent as JSON (which no form of another site can do); None for anything else."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        return None
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > LONGEST:
            return None
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _refusal(sentence: str, status: int) -> Response:
    return JSONResponse({"error": sentence}, status, headers=PAGE)
