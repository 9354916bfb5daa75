"""What the page does not have is refused with a sentence, by Gradio's own routes."""

from __future__ import annotations

import json

import gradio as gr
import pytest
from gradio.routes import App
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.testclient import TestClient

from t2ialign.dashboard.gradio_queue import share_queue
from t2ialign.dashboard.shared.refusals import Refusals
from t2ialign.dashboard.shared.unknown import NOT_WAITING, SENTENCE, KnownStreams, refuse_unread, unknown_handlers

JSON = {"content-type": "application/json"}
ODD = rb'{"word": "x", "\u001b[31m\ud800": 1}'
PART = {"data": [], "fn_name": "x", "component_id": 99999, "session_hash": "x"}


def broken(_request: object) -> None:
    raise KeyError("a mistake of ours")


def asked(word: str) -> str:
    return word


@pytest.fixture(scope="module")
def client() -> TestClient:
    with gr.Blocks() as blocks:
        gr.Button().click(lambda: None, None, None, api_name="known")
        gr.api(asked, api_name="asked")
        fields = [gr.Textbox(), gr.File()]
        menu = gr.Dropdown(["a"])
        gr.Button().click(lambda word, file, chosen: None, [*fields, menu], None, api_name="counted")
        gr.Button().click(None, None, None, js="() => {}", api_name="in_the_browser")
    routes = [Route("/own", broken), Route("/gradio_api/own", broken)]
    blocks.max_file_size, blocks.show_error = None, False  # as ``launch`` is told
    share_queue(blocks.queue())  # which stands between Gradio's route and its queue
    refuse_unread(blocks)
    options = {
        "exception_handlers": unknown_handlers(),
        "middleware": [Middleware(Refusals), Middleware(KnownStreams)],
        "routes": routes,
    }
    return TestClient(App.create_app(blocks, app_kwargs=options))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("run/nothing", {"data": []}),
        ("call/nothing", {"data": []}),
        ("call/v2/nothing", {}),
        ("run/predict", {"data": [], "fn_index": 99999}),
        ("queue/join", {"data": [], "fn_index": -1, "session_hash": "x"}),
        ("component_server", PART),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(client: TestClient, path: str, said: dict) -> None:
    answer = client.post(f"/gradio_api/{path}", json=said)
    assert (answer.status_code, answer.json()) == (404, {"error": SENTENCE})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "sent", "why"),
    [
        ("call/v2/asked", {"json": {}}, "required argument: word"),
        ("call/v2/asked", {"content": ODD, "headers": JSON}, "Parameter `?[31m?` is not"),
        ("upload", {"files": {"files": (None, b"no file")}}, "File is not"),
        ("proxy=%05pN", None, "non-printable"),
        ("upload", {"content": b"--x\r\n\r\ny", "headers": {"content-type": "multipart/form-data; boundary=x"}}, ""),
    ],
)
def test_what_gradio_cannot_take_apart_is_said_in_a_sentence(
    client: TestClient, path: str, sent: dict | None, why: str
) -> None:
    address = f"/gradio_api/{path}"
    answer = client.get(address) if sent is None else client.post(address, **sent)
    assert answer.status_code == 400
    assert why in answer.text and len(answer.text.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("counted", [], "needed: 3, got: 0"),
        ("counted", ["x", 5, "a"], "not understood"),
        ("counted", ["x", None, "b"], "not in the list of choices"),
        ("in_the_browser", [], "no such endpoint"),
    ],
)
def test_values_that_are_none_of_a_components_are_said_in_a_sentence(client, name, data, why, capfd) -> None:
    answer = client.post(f"/gradio_api/run/{name}", json={"data": data})
    assert answer.status_code == 422 and why in answer.json()["error"] and "\n" not in answer.json()["error"]
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.slow
def test_what_is_there_answers_and_a_mistake_of_ours_is_not_hidden(client: TestClient) -> None:
    assert client.post("/gradio_api/run/known", json={"data": []}).status_code == 200
    for path in ("/own", "/gradio_api/own"):
        with pytest.raises(KeyError, match="a mistake of ours"):
            client.get(path)


@pytest.mark.slow
@pytest.mark.parametrize("path", ["call/known/nothing", "call/v2/known/nothing", "call/nothing/nothing"])
def test_an_answer_that_nobody_waits_for_is_said_in_a_sentence(client: TestClient, path: str) -> None:
    answer = client.get(f"/gradio_api/{path}")
    assert (answer.status_code, answer.json()) == (404, {"error": NOT_WAITING})


@pytest.mark.slow
@pytest.mark.parametrize("session", ["nobody", ""])
def test_a_page_is_told_that_its_session_is_gone_and_its_stream_ends(client: TestClient, session: str) -> None:
    """In the words that Gradio's own script listens for."""
    answer = client.get(f"/gradio_api/queue/data?session_hash={session}")
    told = json.loads(answer.text.removeprefix("data: "))
    assert (answer.status_code, told["msg"], told["session_not_found"]) == (200, "unexpected_error", True)


@pytest.mark.slow
def test_an_answer_that_waits_is_heard(client: TestClient) -> None:
    with client:
        client.get("/gradio_api/startup-events")  # its queue begins to work
        event = client.post("/gradio_api/call/known", json={"data": []}).json()["event_id"]
        assert "event: complete" in client.get(f"/gradio_api/call/known/{event}").text
        again = client.get(f"/gradio_api/call/known/{event}")
    assert again.status_code == 404, "it is told once"
