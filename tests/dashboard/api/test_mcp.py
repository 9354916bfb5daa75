"""The endpoints as tools of the MCP, spoken to by the protocol's own client; skipped where `mcp` is not installed."""

from __future__ import annotations

import ast
import asyncio

import pytest

from t2ialign import settings
from t2ialign.dashboard import build_dashboard, launch_options
from t2ialign.dashboard.api import pictures
from t2ialign.dashboard.api.endpoints import ENDPOINTS
from t2ialign.dashboard.shared.visitors import TOKEN_HEADER
from t2ialign.store import list_jobs
from tests.dashboard import fakes

pytest.importorskip("mcp")
TOKEN = "a token of the owner's"


async def spoken(address: str, token: str, *calls: tuple[str, dict]):
    """The tools there are, and what each call answers: (failed, text)."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    headers = {TOKEN_HEADER: token} if token else {}
    async with (
        streamablehttp_client(f"{address}gradio_api/mcp/", headers=headers) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        tools = (await session.list_tools()).tools
        found = [await session.call_tool(name, values) for name, values in calls]
    return tools, [(one.isError, one.content[0].text) for one in found]


def test_tools_are_the_endpoints_and_keep_their_roles(services, monkeypatch):
    monkeypatch.setattr(settings, "OWNER_TOKEN", TOKEN)
    monkeypatch.setattr(pictures, "run_batches", fakes.fake_batches())
    blocks = build_dashboard(services)
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options(services))
    try:
        drawn = ("generate", {"prompt": "a red circle", "seeds": "0-3", "wait": 30})
        tools, answers = asyncio.run(spoken(address, "", drawn, ("study", {}), ("checkpoints", {})))
        _, [mine] = asyncio.run(spoken(address, TOKEN, ("study", {})))
        owned = [one for one in ENDPOINTS if one.access == "owner"]
        acts = [(one.name, {part.name: "x" for part in one.parameters if part.needed}) for one in owned]
        _, refusals = asyncio.run(spoken(address, "", *acts))
        _, guessed = asyncio.run(spoken(address, TOKEN[:5], acts[0]))
    finally:
        blocks.close(verbose=False)
    named = {one.name: one for one in tools}
    assert set(named) == {one.name for one in ENDPOINTS}
    for endpoint in ENDPOINTS:
        tool = named[endpoint.name]
        assert endpoint.says in tool.description
        assert all(tool.inputSchema["properties"][one.name]["description"] == one.says for one in endpoint.parameters)
    (failed, text), (refused, why), (_, listed) = answers
    assert not failed, text
    assert ast.literal_eval(text)["status"] == "done"
    assert refused and "belongs to the owner" in why
    assert "base" in listed
    assert {name for name, _ in acts} == {"sweep", "align", "job", "study"}
    assert all(failed and "belongs to the owner" in why for failed, why in refusals), refusals
    assert guessed[0][0] and "belongs to the owner" not in guessed[0][1]  # a wrong token is said to be one
    assert list_jobs(services.store) == []
    assert not mine[0] and ast.literal_eval(mine[1])["studies"] == []
