"""Where a token is set, nothing of the owner's answers a raw request: every endpoint of the whole page is looked at."""

from __future__ import annotations

import json
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
import pytest

from t2ialign import settings
from t2ialign.dashboard import build_dashboard, launch_options
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.owner_lock import KEY
from t2ialign.store.jobs import list_jobs
from t2ialign.store.studies import list_studies, study_log
from tests.dashboard.studies import PICK, opened

TOKEN = "a token of the owner's"
# Everybody may look, generate pictures, and say what they like; whatever else there is asks for the key.
PUBLIC = {
    *("generate", "cancel", "compare", "vote", "repaint", "pick_example", "show_examples"),  # Explore
    *("show", "draw", "explain", "click_point", "choose_prompt", "show_audit", "export"),  # Trade-off
    *("refresh", "looking"),  # Align: the form
    *("choose_job", "open_job", "_confirming"),  # Align: watching a run
    *("draw_curves", "draw_landscapes", "follow_run", "offer_runs", "offer_checkpoints"),  # Theory and Explore
    *("open_page", "opened_tab", "tick", "unlock"),
}
# These show or hide things by the key, and hold nothing else.
HARMLESS = {"opened", "_shown", "offer_to"}


@dataclass(frozen=True)
class Page:
    """The served page."""

    address: str
    blocks: gr.Blocks

    def handlers(self) -> dict[int, Any]:
        """The private events that run something on the server."""
        return {index: fn for index, fn in self.blocks.fns.items() if fn.fn and fn.api_visibility == "private"}

    def post(self, index: int, data: list, session: str) -> str:
        """What the queue answers to a raw request, as text."""
        body = json.dumps({"fn_index": index, "data": data, "session_hash": session}).encode()
        kind = {"Content-Type": "application/json"}
        joining = urllib.request.Request(f"{self.address}gradio_api/queue/join", body, kind)
        urllib.request.urlopen(joining, timeout=20).read()
        told = []
        with urllib.request.urlopen(
            f"{self.address}gradio_api/queue/data?session_hash={session}", timeout=60
        ) as stream:
            for line in stream:
                told.append(line.decode())
                if "process_completed" in told[-1] or "close_stream" in told[-1]:
                    break
        return "".join(told)


@pytest.fixture
def page(services, monkeypatch) -> Iterator[Page]:
    """The whole page, served, with a token set."""
    monkeypatch.setattr(settings, "OWNER_TOKEN", TOKEN)
    monkeypatch.setattr(owner, "PATIENCE", 0.0)
    blocks = build_dashboard(services)
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options(services))
    yield Page(address, blocks)
    blocks.close(verbose=False)


def needs_key(fn: Any) -> bool:
    return any(getattr(one, "elem_id", None) == KEY for one in fn.inputs)


def forged(fn: Any) -> list:
    """Values that the components take as they are; where the key stands, a stranger's guess."""
    return [TOKEN[:5] if isinstance(one, gr.State) else _value(one) for one in fn.inputs]


def _value(component: Any) -> Any:
    if isinstance(component, gr.Dropdown) and not component.choices:
        return [] if component.multiselect else None
    value = component.value
    return value if isinstance(value, (str, int, float, bool, list)) else None


def test_every_handler_asks_for_the_key_or_is_known_to_be_for_everybody(page):
    strangers = {fn.name for fn in page.handlers().values() if not needs_key(fn)}
    assert strangers == PUBLIC
    watching = [fn for fn in page.handlers().values() if fn.name in ("tick", "open_page")]
    assert all(not any(one.elem_id == "t2-study" for one in fn.inputs) for fn in watching if not needs_key(fn))
    api = {fn.name for fn in page.blocks.fns.values() if fn.fn and fn.api_visibility == "public"}
    assert api == {"rate_look", "rate_join", "rate_survey", "rate_answer", "rate_withdraw"}


def test_every_handler_of_the_owners_refuses_a_stranger(services, page):
    study = opened(services, PICK)
    before = (study_log(services.store, study.id), list_studies(services.store), list_jobs(services.store))
    mine = {index: fn for index, fn in page.handlers().items() if needs_key(fn) and fn.name not in HARMLESS}
    assert len(mine) > 35
    for index, fn in mine.items():
        answer = page.post(index, forged(fn), uuid.uuid4().hex)
        assert owner.REFUSAL[:30] in answer, (fn.name, answer[-400:])
        assert PICK.title not in answer and "secret-method" not in answer and study.hash not in answer, fn.name
    assert (study_log(services.store, study.id), list_studies(services.store), list_jobs(services.store)) == before


def test_what_only_shows_and_hides_tells_a_stranger_nothing(services, page):
    study = opened(services, PICK)
    for index, fn in page.handlers().items():
        if fn.name in HARMLESS:
            answer = page.post(index, forged(fn), uuid.uuid4().hex)
            assert PICK.title not in answer and study.id not in answer
            assert '"visible":true' not in answer or fn.name == "opened"


def test_the_page_as_it_is_sent_holds_nothing_of_a_study(services, page):
    opened(services, PICK)
    config = urllib.request.urlopen(f"{page.address}config", timeout=20).read().decode()
    assert "secret-method" not in config and TOKEN not in config


def test_the_token_unlocks_one_session_on_every_tab(services, page):
    study, mine = opened(services, PICK), uuid.uuid4().hex
    named = {(fn.name, len(fn.inputs)): index for index, fn in page.handlers().items()}
    assert owner.WRONG[:20] in page.post(named["unlock", 1], ["wrong"], mine)
    page.post(named["unlock", 1], [TOKEN], mine)
    drawing = next(
        index
        for index, fn in page.handlers().items()
        if needs_key(fn) and len(fn.inputs) == 3 and len(fn.outputs) > 20 and isinstance(fn.inputs[1], gr.Dropdown)
    )
    assert study.title in page.post(drawing, [None, None, ""], mine)
    assert owner.REFUSAL[:30] in page.post(drawing, [None, None, ""], uuid.uuid4().hex)


def test_raters_need_no_token(services, page):
    from gradio_client import Client

    study = opened(services, PICK).id
    client = Client(page.address, verbose=False, analytics_enabled=False)
    joined = client.predict(study, "", True, api_name="/rate_join")
    trial = joined["rounds"][0]["trial"]
    answer = {"chosen": [0], "verdict": ""}
    saved = client.predict(study, joined["survey"], trial, answer, 800, 0, api_name="/rate_answer")
    assert saved == {"saved": True}
    with pytest.raises(Exception, match="no study"):
        client.predict("nothing", api_name="/rate_look")
