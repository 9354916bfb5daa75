"""Folders from the environment, as env files, services and Dockerfiles write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from t2ialign import settings

USUAL = Path("/usual")


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("~/t2i", Path("/home/me/t2i")),
        ("~", Path("/home/me")),
        ("~nobody-of-that-name/x", Path("~nobody-of-that-name/x")),
        ("", USUAL),
        (None, USUAL),
        ("/there", Path("/there")),
    ],
)
def test_a_tilde_is_the_home_directory_and_empty_is_unset(
    monkeypatch: pytest.MonkeyPatch, said: str | None, wanted: Path
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("T2IALIGN_HOME", raising=False)
    if said is not None:
        monkeypatch.setenv("T2IALIGN_HOME", said)
    assert settings._folder("T2IALIGN_HOME", USUAL) == wanted
