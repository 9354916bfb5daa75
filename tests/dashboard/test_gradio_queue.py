"""Gradio's queue is shared between addresses, and lets go of what nobody fetches."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from fastapi import HTTPException
from gradio.queueing import Event, Queue
from gradio.routes import App, file_upload_statuses
from gradio.server_messages import EstimationMessage
from gradio.state_holder import StateHolder
from starlette.testclient import TestClient

from t2ialign import settings
from t2ialign.dashboard import gradio_queue
from t2ialign.dashboard.gradio_queue import ANALYTICS, SharedQueue, share_queue


def waited(work: Coroutine[Any, Any, Any]) -> Any:
    """What it returns; in a thread of its own, because a browser of other tests leaves a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


class Clock:
    now = 1e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def blocks() -> gr.Blocks:
    with gr.Blocks() as blocks:
        for _ in range(2):
            gr.Button().click(lambda: None, None, None, api_name=False, concurrency_limit=None)
    return blocks.queue()


@pytest.fixture
def shared(blocks: gr.Blocks) -> SharedQueue:
    holder = StateHolder()
    holder.set_blocks(blocks)
    return SharedQueue(blocks._queue, lambda: holder, Clock())


def event(shared: SharedQueue, address: str, which: int = 0, at_work: bool = False) -> Event:
    """An event that waits, or is at work."""
    fn = list(shared.queue.blocks.fns.values())[which]
    request: Any = SimpleNamespace(client=SimpleNamespace(host=address))
    made = Event(address, fn, request, None)
    shared.queue.create_event_queue_for_fn(fn)
    if at_work:
        shared.queue.active_jobs.append([made])
    else:
        shared.queue.event_queue_per_concurrency_id[made.concurrency_id].queue.append(made)
    shared.queue.event_ids_to_events[made._id] = made
    return made


def taken(shared: SharedQueue) -> Event | None:
    found = shared.next_events()
    return found[0][0] if found else None


def test_who_has_fewest_at_work_is_next_then_who_waits_longest(shared):
    many = [event(shared, "1.1.1.1", which) for which in (0, 0, 1)]
    event(shared, "1.1.1.1", at_work=True)
    late = event(shared, "2.2.2.2")
    assert [taken(shared) for _ in range(5)] == [late, *many, None]


def test_an_address_has_so_many_at_work_and_no_more(shared, monkeypatch):
    monkeypatch.setattr(gradio_queue, "AT_WORK", 2)
    for _ in range(2):
        event(shared, "1.1.1.1", at_work=True)
    waits = event(shared, "1.1.1.1")
    assert taken(shared) is None
    shared.queue.active_jobs[0] = None
    assert taken(shared) is waits


def test_too_many_that_wait_are_refused_with_a_sentence_and_others_are_not(shared, monkeypatch):
    monkeypatch.setattr(gradio_queue, "WAITING", 3)
    for _ in range(3):
        event(shared, "1.1.1.1")
    with pytest.raises(HTTPException, match="3 requests of your address wait already") as refused:
        shared.check("1.1.1.1")
    assert refused.value.status_code == 429
    shared.check("2.2.2.2")


def test_who_does_not_fetch_is_refused_until_it_is_let_go(shared, monkeypatch):
    monkeypatch.setattr(gradio_queue, "UNREAD", 2)
    shared.open("1.1.1.1", "page")
    box = shared.queue.pending_messages_per_session["page"]
    box.put_nowait("one")
    shared.clock.now = box.heard
    shared.check("1.1.1.1")
    box.put_nowait("two")
    with pytest.raises(HTTPException, match="2 answers wait for your address"):
        shared.check("1.1.1.1")
    shared.clock.now = box.heard + gradio_queue.DEAF + 1
    shared.check("1.1.1.1")
    assert not shared.queue.pending_messages_per_session and not shared.queue.pending_event_ids_session


def test_of_all_that_nobody_fetches_the_oldest_goes(shared, monkeypatch):
    """Three pages of two messages, room for five: the page that was heard of first goes, and no other."""
    monkeypatch.setattr(gradio_queue, "ALL_UNREAD", 5)
    for second, address in enumerate(("1.1.1.1", "2.2.2.2", "3.3.3.3")):
        shared.clock.now = 1e9 + second
        shared.open(address, f"of {address}")
        for _ in range(2):
            shared.queue.pending_messages_per_session[f"of {address}"].put_nowait("a chart")
    shared.open("4.4.4.4", "nothing waits")
    shared.check("5.5.5.5")
    assert set(shared.queue.pending_messages_per_session) == {"of 2.2.2.2", "of 3.3.3.3", "nothing waits"}


def test_who_listens_keeps_what_waits(shared):
    shared.open("1.1.1.1", "page")
    box = shared.queue.pending_messages_per_session["page"]
    box.heard = 0.0
    box.put_nowait("one")
    box.put_nowait("two")
    assert waited(box.get()) == "one"
    shared.clock.now = box.heard + gradio_queue.DEAF / 2
    shared.let_go()
    assert box.qsize() == 1 and "page" in shared.queue.pending_messages_per_session
    box.heard = 0.0
    shared.open("1.1.1.1", "page")
    shared.let_go()
    assert "page" in shared.queue.pending_messages_per_session, "who has just asked will listen"


def test_an_address_has_so_many_pages_and_pushes_out_nobody_elses(shared, monkeypatch):
    monkeypatch.setattr(gradio_queue, "PAGES", 2)
    for address, page in [("2.2.2.2", "other"), *(("1.1.1.1", name) for name in "abac")]:
        shared.open(address, page)
        shared.holder()[page]
    kept = {"other", "a", "c"}
    assert set(shared.holder().session_data) == set(shared.holder().time_last_used) == kept
    assert set(shared.queue.pending_messages_per_session) == set(shared.queue.pending_event_ids_session) == kept


def test_no_table_of_all_events_is_made(blocks, monkeypatch):
    assert all(isinstance(getattr(blocks._queue, name, None), int) for name in ANALYTICS), "or this can go"
    share_queue(blocks)
    monkeypatch.setattr(Queue, "_get_df", staticmethod(lambda records: pytest.fail("a table was made")))
    blocks._queue.events_recorded = 10**6
    blocks._queue.compute_analytics_summary([{"function": "x"}])


def test_uploads_are_forgotten_from_the_oldest_on(blocks, monkeypatch):
    for name in ("_statuses", "_signals"):
        assert hasattr(file_upload_statuses, name), "or this can go"
        monkeypatch.setattr(file_upload_statuses, name, {})  # so that its own is put back
    monkeypatch.setattr(gradio_queue, "UPLOADS", 2)
    share_queue(blocks)
    for upload in "abc":
        file_upload_statuses.append(upload, "file", b"part")
        assert waited(file_upload_statuses.is_tracked(upload))
    assert list(file_upload_statuses._statuses) == list(file_upload_statuses._signals.kept) == ["b", "c"]


@pytest.mark.slow
def test_the_page_is_told_the_sentence_and_a_lost_page_leaves_no_failure(blocks, monkeypatch, capfd):
    monkeypatch.setattr(settings, "OWNER_TOKEN", "token")
    share_queue(blocks)
    with TestClient(App.create_app(blocks)) as client:
        client.get("/gradio_api/startup-events")  # its queue begins to work
        first = next(iter(blocks.fns))
        asked = {"data": [], "fn_index": first, "session_hash": "page"}
        assert client.post("/gradio_api/queue/join", json=asked).status_code == 200
        told = client.get("/gradio_api/queue/data?session_hash=page").text
        assert "process_completed" in told and '"success":true' in told
        monkeypatch.setattr(gradio_queue, "WAITING", 0)
        refused = client.post("/gradio_api/queue/join", json=asked)
        assert refused.status_code == 429 and "wait already" in refused.json()["detail"]
        lost = Event("gone", blocks.fns[first], SimpleNamespace(client=None), None)
        blocks._queue.send_message(lost, EstimationMessage(queue_size=0))  # to nobody
    assert "Traceback" not in capfd.readouterr().err
