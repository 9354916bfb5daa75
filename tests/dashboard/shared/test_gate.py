"""What an address may send: how often, how much at a time, how much in an hour."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from t2ialign import settings
from t2ialign.dashboard.shared import gate
from t2ialign.dashboard.shared.gate import KEPT, Gate
from t2ialign.dashboard.shared.visitors import TOKEN_HEADER, Visits
from t2ialign.engines import LocalEngine
from t2ialign.settings import VisitorLimits

TOKEN = {TOKEN_HEADER: "token"}
LIMITS = VisitorLimits(events=3, upload_mb=2, sent_mb=3)


async def length(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr(settings, "OWNER_TOKEN", "token")
    routes = [Route(path, length, methods=["GET", "POST"]) for path in ("/gradio_api/run/x", KEPT, "/healthz", "/")]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(Gate, visits=Visits(LocalEngine(), LIMITS))]))


def test_an_address_asks_so_often_a_minute_and_health_is_not_counted(client):
    assert [client.get("/gradio_api/run/x").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = client.get("/gradio_api/run/x").json()
    assert (
        "Your address may send 3 requests a minute: wait" in refused["error"] and refused["detail"] == refused["error"]
    )
    browser = client.get("/gradio_api/run/x", headers={"Accept": "text/html,*/*;q=0.8"})
    assert browser.status_code == 429 and "<p>Your address may send 3 requests a minute: wait" in browser.text
    assert '<meta http-equiv="refresh" content="10">' in browser.text
    assert client.get("/healthz").status_code == client.get("/gradio_api/run/x", headers=TOKEN).status_code == 200


def test_the_page_as_a_whole_counts_as_many(client, monkeypatch):
    monkeypatch.setattr(gate, "WEIGHT", 2)
    assert [client.get(path).status_code for path in ("/", "/gradio_api/run/x", "/")] == [200, 200, 429]


def test_a_body_has_a_size_however_it_is_sent_and_whoever_sends_it(client):
    def parts():
        yield from [b"x" * 1_000_000] * 4

    for headers in ({}, TOKEN):
        answer = client.post("/gradio_api/run/x", content=parts(), headers=headers)
        assert answer.status_code == 413 and "more than 2 MB" in answer.text
    assert client.post("/gradio_api/run/x", content=b"x" * 2_000_000, headers=TOKEN).text == "2000000"


def test_what_is_kept_counts_by_the_megabyte_begun_and_the_rest_by_whole_ones(client):
    assert client.post("/gradio_api/run/x", content=b"x" * 999_999).status_code == 200
    assert [client.post(KEPT, content=size * b"x").status_code for size in (1_000_001, 2_000_000)] == [200, 429]
    assert client.post(KEPT, content=b"x" * 2_000_000, headers=TOKEN).status_code == 200


def test_who_waits_for_many_answers_gets_no_more(client, monkeypatch):
    monkeypatch.setattr(gate, "AT_ONCE", {"POST": 0})
    assert "being answered: wait" in client.post("/gradio_api/run/x").json()["error"]
    assert client.get("/gradio_api/run/x").status_code == 200, "streams are counted by themselves"
    monkeypatch.setattr(gate, "STREAMS", 0)
    assert client.get("/gradio_api/run/x").status_code == 429


def test_where_nobody_is_a_stranger_nothing_is_counted(client, monkeypatch):
    monkeypatch.setattr(settings, "OWNER_TOKEN", "")
    assert {client.post("/gradio_api/run/x", content=b"x" * 4_000_000).status_code for _ in range(5)} == {200}
