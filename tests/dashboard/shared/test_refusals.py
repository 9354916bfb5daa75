"""A refusal is 422 or 429, and a failure is 500, by Gradio's own routes."""

from __future__ import annotations

import gradio as gr
import pytest
from gradio.routes import App
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from t2ialign.dashboard.shared.refusals import Refusals, refusal
from t2ialign.dashboard.shared.visitors import TooMany
from t2ialign.types import InputError

REFUSED = {"never": InputError("No metric is called so."), "later": TooMany("Wait 3 s.")}


def said(name: str) -> str:
    if name in REFUSED:
        raise refusal(REFUSED[name])
    if name == "broken":
        raise KeyError("a mistake of ours")
    return name


@pytest.mark.slow
def test_what_is_refused_and_what_has_failed_are_told_apart() -> None:
    with gr.Blocks() as blocks:
        gr.api(said, api_name="said", queue=False)
    blocks.show_error = False
    client = TestClient(App.create_app(blocks.queue(), app_kwargs={"middleware": [Middleware(Refusals)]}))
    answers = {name: client.post("/gradio_api/run/said", json={"data": [name]}) for name in ("x", *REFUSED, "broken")}
    assert [answer.status_code for answer in answers.values()] == [200, 422, 429, 500]
    assert answers["later"].json()["error"] == "Wait 3 s." and answers["broken"].json()["error"] is None
