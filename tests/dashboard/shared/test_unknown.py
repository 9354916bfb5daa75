"""What the page does not have is refused with a sentence, by Gradio's own routes."""

from __future__ import annotations

import gradio as gr
import pytest
from gradio.routes import App
from starlette.routing import Route
from starlette.testclient import TestClient

from t2ialign.dashboard.shared.unknown import SENTENCE, unknown_handlers

PART = {"data": [], "fn_name": "x", "component_id": 99999, "session_hash": "x"}


def broken(_request: object) -> None:
    raise KeyError("a mistake of ours")


@pytest.fixture(scope="module")
def client() -> TestClient:
    with gr.Blocks() as blocks:
        gr.Button().click(lambda: None, None, None, api_name="known")
    routes = [Route("/own", broken), Route("/gradio_api/own", broken)]
    blocks.queue()
    app = App.create_app(blocks, app_kwargs={"exception_handlers": unknown_handlers(), "routes": routes})
    return TestClient(app)


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
def test_what_is_there_answers_and_a_mistake_of_ours_is_not_hidden(client: TestClient) -> None:
    assert client.post("/gradio_api/run/known", json={"data": []}).status_code == 200
    for path in ("/own", "/gradio_api/own"):
        with pytest.raises(KeyError, match="a mistake of ours"):
            client.get(path)
