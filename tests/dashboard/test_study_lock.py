"""Where a token is set, nothing of the owner's answers a raw request: every endpoint of the Study page is tried."""

from __future__ import annotations

import json
import urllib.request
import uuid
from collections.abc import Iterator

import gradio as gr
import pytest

from t2ialign import settings
from t2ialign.dashboard import owner
from t2ialign.dashboard.rate_routes import rate_api
from t2ialign.dashboard.tabs import study as tab
from t2ialign.store.jobs import list_jobs
from t2ialign.store.studies import list_studies, study_log
from tests.dashboard.studies import PICK, opened

TOKEN = "a token of the owner's"


@pytest.fixture
def page(services, monkeypatch) -> Iterator[tuple[str, gr.Blocks]]:
    """The Study page alone, served, with a token set."""
    monkeypatch.setattr(settings, "OWNER_TOKEN", TOKEN)
    monkeypatch.setattr(owner, "PATIENCE", 0.0)
    with gr.Blocks(analytics_enabled=False) as blocks:
        tab.build(services)
        rate_api(services.store)
    _, address, _ = blocks.queue().launch(prevent_thread_lock=True, quiet=True, ssr_mode=False, run_history=False)
    yield address, blocks
    blocks.close()


def post(address: str, index: int, data: list, session: str) -> str:
    """What the queue answers to a raw request, as text."""
    body = json.dumps({"fn_index": index, "data": data, "session_hash": session}).encode()
    asked = urllib.request.Request(f"{address}gradio_api/queue/join", body, {"Content-Type": "application/json"})
    urllib.request.urlopen(asked, timeout=20).read()
    told = []
    with urllib.request.urlopen(f"{address}gradio_api/queue/data?session_hash={session}", timeout=20) as stream:
        for line in stream:
            text = line.decode()
            told.append(text)
            if "process_completed" in text or "close_stream" in text:
                return "".join(told)
    return "".join(told)


def handlers(blocks: gr.Blocks) -> dict[int, int]:
    """The private handlers that run on the server, and how many inputs each takes."""
    return {index: len(fn.inputs) for index, fn in blocks.fns.items() if fn.fn and fn.api_visibility != "public"}


def test_every_private_endpoint_refuses_a_stranger(services, page, config):
    address, blocks = page
    study = opened(services, PICK)
    before = (study_log(services.store, study.id), list_studies(services.store), list_jobs(services.store))
    found = handlers(blocks)
    assert len(found) > 25
    for index, count in found.items():
        # a stranger sends the token's place too: a session's state cannot be sent
        answer = post(address, index, [TOKEN[:5], study.id, *["x"] * count][:count], uuid.uuid4().hex)
        assert PICK.title not in answer and "secret-method" not in answer and study.hash not in answer, index
        assert owner.REFUSAL[:30] in answer or owner.WRONG[:20] in answer, (index, answer[:300])
    assert (study_log(services.store, study.id), list_studies(services.store), list_jobs(services.store)) == before


def test_the_page_as_it_is_sent_holds_nothing_of_a_study(services, page):
    address, _ = page
    opened(services, PICK)
    config = urllib.request.urlopen(f"{address}config", timeout=20).read().decode()
    assert "secret-method" not in config and TOKEN not in config


def test_the_token_unlocks_one_session(services, page):
    address, blocks = page
    study, mine = opened(services, PICK), uuid.uuid4().hex
    names = {fn.name: index for index, fn in blocks.fns.items() if fn.fn}
    unlock = next(index for index, fn in blocks.fns.items() if fn.fn and len(fn.inputs) == 1 and len(fn.outputs) == 5)
    assert names and owner.WRONG[:20] in post(address, unlock, ["wrong"], mine)
    post(address, unlock, [TOKEN], mine)
    draw = next(index for index, count in handlers(blocks).items() if index != unlock and _shows(blocks, index))
    assert study.title in post(address, draw, [None, study.id, ""], mine)
    assert owner.REFUSAL[:30] in post(address, draw, [None, study.id, ""], uuid.uuid4().hex)


def _shows(blocks: gr.Blocks, index: int) -> bool:
    """Whether this handler draws a study: key, study and address in, and the study's list among what comes out."""
    fn = blocks.fns[index]
    return len(fn.inputs) == 3 and len(fn.outputs) > 20 and isinstance(fn.inputs[1], gr.Dropdown)


def test_raters_need_no_token(services, page):
    from gradio_client import Client

    address, _ = page
    study = opened(services, PICK).id
    client = Client(address, verbose=False, analytics_enabled=False)
    joined = client.predict(study, "", True, api_name="/rate_join")
    trial = joined["rounds"][0]["trial"]
    answer = {"chosen": [0], "verdict": ""}
    saved = client.predict(study, joined["survey"], trial, answer, 800, 0, api_name="/rate_answer")
    assert saved == {"saved": True}
    with pytest.raises(Exception, match="no study"):
        client.predict("nothing", api_name="/rate_look")
