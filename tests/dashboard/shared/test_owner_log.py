"""What the owner did is written down, with who it was; what anybody only looked at is not, and no value ever."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.events import Dependency

from t2ialign import dashboard, settings
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.wiring import Wires
from t2ialign.dashboard.study import handlers
from t2ialign.dashboard.study.page import Owned
from t2ialign.types import InputError


def train(name):
    return name


def draw(name):
    return name


def test_acts_are_lines_with_time_and_person(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "OWNER_TOKEN", "a secret")
    monkeypatch.setattr(settings, "OWNERS", ("ada",))
    with owner.written_down(tmp_path / "owner.log"):
        for handler in (train, draw):
            owner.owned(handler, str)("a secret", "a private name")
        owner.owned(train, str)("a guess", "another's name")
        owner.check(owner.key_of("ada"), "mark")
        with pytest.raises(InputError):
            owner.check("", "mark")
    owner.check("a secret", "mark")
    lines = (tmp_path / "owner.log").read_text().splitlines()
    assert [line.partition(" ")[2] for line in lines] == ["owner train", "ada mark"]
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", line) for line in lines)


def test_at_home_nothing_is_written(tmp_path):
    with owner.written_down(tmp_path / "owner.log"):
        owner.owned(train, str)("", "mine")
    assert not (tmp_path / "owner.log").exists()


def test_every_act_names_a_handler(services):
    """A handler that was renamed would no longer be written down; and the Study page's keep their names on the way."""
    pages = Path(dashboard.__file__).parent
    defined = {name for file in pages.rglob("*.py") for name in re.findall(r"^def (\w+)\(", file.read_text(), re.M)}
    assert owner.ACTS - {"add_checkpoint"} <= defined  # `begin` says that itself
    events: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        done = Dependency(None, {}, None, str)
        patch.setattr(Wires, "on", lambda wires, triggers, handler, *rest, **options: events.append(handler) or done)
        patch.setattr(settings, "OWNER_TOKEN", "a secret")
        acts: list[str] = []
        patch.setattr(owner, "note_act", lambda key, name: acts.append(name))
        wires = Wires({"study": gr.Dropdown(), "address": gr.Textbox()})
        Owned(wires).on(None, partial(handlers.delete, services), tuple(wires.components), ())
        events[0]("a secret", "no study", "")
    assert acts == ["delete"]
