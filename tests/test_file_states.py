"""Folders stand as they stood until anything in them changes; what changed just now is never taken for standing."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from t2ialign import file_states
from t2ialign.file_states import standing


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(file_states, "RESTED_NS", -1)  # all counts as rested
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "note").write_text("said")
    return tmp_path


def stood(folder: Path) -> object:
    time.sleep(0.01)  # a tick of the file system's clock
    return standing((folder, folder / "none"), "note")


def write(path: Path) -> None:
    path.write_text("SAID")  # as long as before


def rename(path: Path) -> None:
    path.with_name("new").write_text("said")
    os.replace(path.with_name("new"), path)


@pytest.mark.parametrize(
    "change",
    [
        write,
        rename,
        Path.unlink,
        lambda path: path.chmod(0o600),
        lambda path: (path.parent / "other").write_text(""),
        lambda path: (path.parents[1] / "registry").write_text(""),
        lambda path: (path.parents[1] / "two").mkdir(),
        lambda path: path.parent.rename(path.parents[1] / "renamed"),
    ],
)
def test_any_change_is_another_state(folder: Path, change) -> None:
    before = stood(folder)
    assert before and before == stood(folder)
    change(folder / "one" / "note")
    assert stood(folder) != before


def test_what_changed_just_now_does_not_stand(tmp_path: Path) -> None:
    (tmp_path / "note").write_text("")
    assert standing((tmp_path,), "note") is None


def test_a_link_to_nowhere_is_no_trouble(folder: Path) -> None:
    (folder / "lost").symlink_to(folder / "nowhere")
    assert stood(folder) == stood(folder)
