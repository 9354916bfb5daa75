"""One document for all who come by one address, equal to what Gradio would have made; nobody's cookie goes to others."""

from __future__ import annotations

from itertools import count

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from t2ialign.dashboard.shared.same_page import KEPT, SamePage


@pytest.fixture
def client() -> TestClient:
    """Every answer that is made has a number of its own."""
    made = count(1)

    def document(request: Request) -> Response:
        answer = HTMLResponse(f"{next(made)}")
        if "session" in request.cookies:
            answer.set_cookie("session", request.cookies["session"])
        return answer

    def config(request: Request) -> Response:
        return JSONResponse({"made": next(made)}, 401 if "nobody" in request.query_params else 200)

    routes = [Route("/", document), Route("/config", config), Route("/other", document)]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(SamePage)]))


def test_what_was_sent_is_sent_again(client: TestClient) -> None:
    first = client.get("/")
    again = client.get("/?tab=align")
    assert (first.text, again.text) == ("1", "1") and again.headers == first.headers
    assert client.get("/config").json() == client.get("/config").json() == {"made": 2}
    head = client.head("/")
    assert (head.text, head.headers["content-length"]) == ("", "1")


def test_another_address_is_another_page(client: TestClient) -> None:
    assert client.get("/").text == "1"
    proxied = {"X-Forwarded-Host": "lab.example", "X-Forwarded-Proto": "https"}
    assert client.get("/", headers=proxied).text == "2"
    assert client.get("/", headers={"Host": "lab.example"}).text == "3"
    assert client.get("/", headers={"Accept-Encoding": "identity"}).text == "4"
    assert client.get("/", headers=proxied).text == "2"


@pytest.mark.parametrize("address", ["/other", "/?deep_link=1", "/?page=runs", "/config?nobody"])
def test_all_else_is_asked_for_anew(client: TestClient, address: str) -> None:
    assert client.get(address).text != client.get(address).text


def test_a_cookie_is_nobody_elses(client: TestClient) -> None:
    client.cookies.set("session", "secret")
    assert "set-cookie" in client.get("/").headers
    client.cookies.clear()
    other = client.get("/")
    assert other.text == "2" and "set-cookie" not in other.headers


def test_invented_addresses_push_out_the_oldest(client: TestClient) -> None:
    for number in range(KEPT + 1):
        client.get("/", headers={"Host": f"{number}.example"})
    assert client.get("/", headers={"Host": f"{KEPT}.example"}).text == f"{KEPT + 1}"
    assert client.get("/", headers={"Host": "0.example"}).text == f"{KEPT + 2}"


def test_it_is_what_gradio_makes() -> None:
    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.Textbox("é")
    client = TestClient(gr.mount_gradio_app(Starlette(), blocks, ""))
    with_it = TestClient(SamePage(client.app))
    for host in ("one.example", "two.example"):
        for address in ("/", "/config"):
            wanted, *found = (one.get(address, headers={"Host": host}) for one in (client, with_it, with_it))
            assert all(answer.content == wanted.content for answer in found) and host in wanted.text
