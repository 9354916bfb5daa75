"""The endpoints in Gradio: named, typed and described, for its clients, for plain HTTP and as tools of the MCP.

They do not go through Gradio's queue: drawing has one of its own, and only so does a tool's call keep its caller's address.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.events import api
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from t2ialign.codec import encode
from t2ialign.dashboard.api.endpoint import Call, Endpoint, answered
from t2ialign.dashboard.api.endpoints import ENDPOINTS
from t2ialign.dashboard.api.pictures import LONGEST_WAIT
from t2ialign.dashboard.api.records import Work
from t2ialign.dashboard.api.work import SWEEPS, standing
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.refusals import refusal
from t2ialign.dashboard.shared.visitors import caller_of
from t2ialign.types import InputError

PAUSE = 0.1  # seconds between two looks
JOB_PAUSE = 0.5  # the same at a job, which writes its progress into a file


def publish(services: Services) -> None:
    """Makes all of them endpoints of the blocks that are being built."""
    for endpoint in ENDPOINTS:
        api(_handler(services, endpoint), api_name=endpoint.name, queue=False, concurrency_limit=None)


def _handler(services: Services, endpoint: Endpoint) -> Any:
    names = [one.name for one in endpoint.parameters]

    async def handler(request: gr.Request | Request, *values: Any) -> Any:  # a tool's call brings starlette's own
        said = dict(zip(names, values))
        try:
            call = Call(services, await run_in_threadpool(caller_of, request, services.guesses))
            found = await run_in_threadpool(answered, endpoint, call, said)
            if isinstance(found, Work):
                found = await _waited(call, found, said.get("wait", 0.0))
        except InputError as error:
            raise refusal(error) from error
        return encode(found)

    _describe(handler, endpoint)
    return handler


async def _waited(call: Call, work: Work, seconds: float) -> Work:
    """The work at its end, or as it stands when the time is up; a waiting caller holds no thread."""
    until = time.monotonic() + min(seconds, LONGEST_WAIT)
    if work.id.startswith(SWEEPS):
        while work.status in ("queued", "running") and time.monotonic() < until:
            await asyncio.sleep(JOB_PAUSE)
            work = await run_in_threadpool(standing, call, work.id)
        return work
    while (task := call.services.engine.look(work.id)) and not task.finished and time.monotonic() < until:
        await asyncio.sleep(PAUSE)
    later = await run_in_threadpool(standing, call, work.id) if task else work
    return replace(later, ticket=work.ticket)


def _describe(handler: Any, endpoint: Endpoint) -> None:
    """The endpoint's name, words and types, where Gradio looks for them."""
    asked = inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=gr.Request)
    parameters = [
        inspect.Parameter(
            one.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=inspect.Parameter.empty if one.needed else encode(one.usual),
            annotation=one.hint,
        )
        for one in endpoint.parameters
    ]
    lines = [f"    {one.name}: {one.says}" for one in endpoint.parameters]
    handler.__name__ = handler.__qualname__ = endpoint.name
    handler.__doc__ = "\n".join([endpoint.says, *(["", "Args:", *lines] if lines else [])])
    handler.__signature__ = inspect.Signature([asked, *parameters], return_annotation=endpoint.answered)
    hints = {one.name: one.hint for one in endpoint.parameters}
    handler.__annotations__ = {"request": gr.Request, **hints, "return": endpoint.answered}
