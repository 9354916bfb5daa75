"""The app as a Space runs it: stopped by a signal, its disk forgotten, its votes in a dataset (a stand-in on this disk)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from t2ialign.store import open_store
from tests.launching import free_port
from tests.store.studying import opened_study

ROOT = Path(__file__).resolve().parents[1]
SPACE = """
import sys
from pathlib import Path
import huggingface_hub._commit_scheduler as scheduling
from t2ialign.hub import votes_dataset
from tests.hub.disk_hub import DiskHub

hub = DiskHub(Path(sys.argv[1]))
scheduling.HfApi = votes_dataset.HfApi = lambda *_, **__: hub
from t2ialign.cli import main

main(["serve"])
"""


@contextmanager
def space(home: Path, hub: Path) -> Iterator[str]:
    """The address of the app, which ``SIGTERM`` stops at the end."""
    port = free_port()
    more = {"T2IALIGN_HOME": str(home), "GRADIO_SERVER_PORT": str(port), "T2IALIGN_VOTES_DATASET": "me/votes"}
    process = subprocess.Popen([sys.executable, "-c", SPACE, str(hub)], cwd=ROOT, env={**os.environ, **more})
    try:
        yield answering(f"http://127.0.0.1:{port}/", process)
    finally:
        process.terminate()
        assert process.wait(60) == 0


def answering(address: str, process: subprocess.Popen) -> str:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            urllib.request.urlopen(address, timeout=5).read()
            return address
        time.sleep(0.3)
    raise TimeoutError(f"the app did not answer (it ended with {process.poll()})")


def ask(address: str, study: str, question: str, **body: object) -> dict:
    data, kind = json.dumps(body).encode(), {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}rate/{study}/{question}", data, kind)
    return json.load(urllib.request.urlopen(request, timeout=60))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_space_keeps_its_votes_over_a_restart(tmp_path: Path, light_home: Path):
    for home in ("first", "second"):
        shutil.copytree(light_home, tmp_path / home)
    with open_store(tmp_path / "first") as store:
        study = opened_study(store).id
    with space(tmp_path / "first", tmp_path / "hub") as address:
        joined = ask(address, study, "join", group="x", consent=True)
        first, second = (one["trial"] for one in joined["rounds"][:2])
        said = {"survey": joined["survey"], "answer": {"chosen": [1]}, "milliseconds": 900}
        assert ask(address, study, "answer", trial=first, **said) == {"saved": True}
    with space(tmp_path / "second", tmp_path / "hub") as address:
        known = ask(address, study, "survey", survey=joined["survey"])["rounds"]
        assert [one["answer"] and one["answer"]["chosen"] for one in known][:2] == [[1], None]
        assert ask(address, study, "answer", trial=second, **said) == {"saved": True}
        assert ask(address, study, "withdraw", code=joined["code"]) == {"answers": 2}
    kept = (tmp_path / "hub/me/votes/votes" / f"{study}.jsonl").read_text()
    assert first not in kept and "withdrawn" in kept
