"""Owners who sign in through the Hub: the key of a name, and the whole way through Gradio's session cookie."""

from __future__ import annotations

import base64
import json
import time
import urllib.request
import uuid

import gradio as gr
import pytest

from t2ialign import settings
from t2ialign.dashboard import build_dashboard, launch_options
from t2ialign.dashboard.shared import owner, owner_lock
from t2ialign.dashboard.shared.owner_lock import KEY, recognise
from t2ialign.types import InputError
from tests.dashboard.studies import PICK, opened


@pytest.fixture
def named(monkeypatch):
    """A Space whose owner is Ada, without a token."""
    monkeypatch.setattr(settings, "SPACE", "ada/page")
    monkeypatch.setattr(settings, "OWNERS", ("Ada",))
    monkeypatch.setenv("OAUTH_CLIENT_ID", "client")
    monkeypatch.setenv("OAUTH_CLIENT_SECRET", "client's secret")


def test_a_name_of_the_hub_opens_the_page_for_owners_only(named, monkeypatch):
    key = owner.key_of("ada")  # the Hub's names have no case of their own
    owner.check(key)
    for other in ("", owner.key_of("bob"), "ada:", "ada:" + "0" * 64, key.replace("ada", "bob"), key + "\ud800", "Ada"):
        with pytest.raises(InputError, match="signing in"):
            owner.check(other)
    assert owner.signed("a draft", owner.sign("a draft")) and not owner.signed("a draft", "")
    monkeypatch.setenv("OAUTH_CLIENT_SECRET", "another")
    with pytest.raises(InputError):
        owner.check(key)
    monkeypatch.setattr(settings, "OWNERS", ("bob",))
    with pytest.raises(InputError):
        owner.check(owner.key_of("ada"))


def test_whom_the_hub_does_not_name_has_no_key(named):
    person = {"name": "B", "preferred_username": "bob", "profile": "", "picture": ""}
    assert recognise(None) == "" and recognise(gr.OAuthProfile(person)) == ""
    assert recognise(gr.OAuthProfile({**person, "preferred_username": "ada"})) == owner.key_of("ada")


def test_the_sign_in_stands_only_where_it_can_work(named, monkeypatch):
    monkeypatch.setattr(owner_lock, "find_spec", lambda name: None)
    assert not owner_lock.sign_in()
    monkeypatch.setattr(owner_lock, "find_spec", lambda name: name)
    assert owner_lock.sign_in()
    monkeypatch.delenv("OAUTH_CLIENT_ID")
    assert not owner_lock.sign_in()


def test_a_signed_in_owner_sees_studies_and_nobody_else_does(services, named, monkeypatch):
    """Through Gradio's own session middleware, with a cookie as it makes them."""
    pytest.importorskip("authlib")
    signer = pytest.importorskip("itsdangerous").TimestampSigner
    import gradio.oauth as oauth

    for name in ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OAUTH_SCOPES"):
        monkeypatch.setattr(oauth, name, "client's secret")
    monkeypatch.setattr(oauth, "OPENID_PROVIDER_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(oauth, "get_space", lambda: "ada/page")
    study = opened(services, PICK)
    blocks = build_dashboard(services)
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options(services))
    try:
        secret = oauth.hashlib.sha256(b"client's secret-v4").hexdigest()
        told = {}
        for name in ("ada", "bob", ""):
            info = {"name": name, "preferred_username": name, "profile": "", "picture": ""}
            held = {"oauth_info": {"userinfo": info, "expires_at": time.time() + 60}} if name else {}
            cookie = signer(secret).sign(base64.b64encode(json.dumps(held).encode())).decode()
            told[name] = seen(address, blocks, cookie)
    finally:
        blocks.close(verbose=False)
    assert study.title in told["ada"]
    for stranger in ("bob", ""):
        assert owner.REFUSAL[:30] in told[stranger] and study.title not in told[stranger]


def seen(address: str, blocks: gr.Blocks, cookie: str) -> str:
    """What the Study page's first view shows to a session with this cookie."""
    session, headers = uuid.uuid4().hex, {"Content-Type": "application/json", "Cookie": f"session={cookie}"}

    def post(index: int, data: list) -> str:
        body = json.dumps({"fn_index": index, "data": data, "session_hash": session}).encode()
        urllib.request.urlopen(urllib.request.Request(f"{address}gradio_api/queue/join", body, headers), timeout=20)
        stream = f"{address}gradio_api/queue/data?session_hash={session}"
        told = ""
        with urllib.request.urlopen(urllib.request.Request(stream, headers=headers), timeout=60) as lines:
            for line in lines:
                told += line.decode()
                if "process_completed" in told:
                    return told
        return told

    named = {fn.name: index for index, fn in blocks.fns.items() if fn.fn}
    post(named["recognise"], [])
    drawing = next(
        index
        for index, fn in blocks.fns.items()
        if fn.fn
        and any(getattr(one, "elem_id", "") == KEY for one in fn.inputs)
        and len(fn.inputs) == 3
        and len(fn.outputs) > 20
        and isinstance(fn.inputs[1], gr.Dropdown)
    )
    return post(drawing, [None, None, ""])
