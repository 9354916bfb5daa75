"""What the command line says before the page, and instead of it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from t2ialign import __version__, settings


def test_version(run) -> None:
    assert run("--version") == (0, f"t2ialign {__version__}\n", "")


def test_a_port_in_use_is_one_sentence(run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        code, out, err = run("serve", "--port", port)
    assert (code, out) == (2, "")
    assert f"cannot listen on port {port} of 127.0.0.1" in err and len(err.splitlines()) == 1


def test_a_host_that_is_not_here_is_one_sentence(run) -> None:
    code, out, err = run("serve", "--host", "192.0.2.1", "--port", "7999")  # an address that nobody has
    assert (code, out) == (2, "")
    assert "port 7999 of 192.0.2.1" in err and len(err.splitlines()) == 1


@pytest.mark.parametrize("name", ["CHECKPOINTS", "DATA"])
def test_a_shipped_folder_that_is_missing_is_one_sentence(run, monkeypatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setattr(settings, name, tmp_path / "nowhere")
    code, out, err = run("checkpoints")
    assert (code, out) == (2, "")
    assert f"say in T2IALIGN_{name} where it lies" in err and len(err.splitlines()) == 1
