"""Two processes train one adapter: a pause reaches both, and the same command goes on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from t2ialign import cli
from tests.launching import forked, launched

TINY = "--prompt-count 2 --candidates 2 --sampling-steps 2 --probe-every 0 --test-prompts 0 --batch-size 2 --rank 2"


def align(home: Path, steps: int) -> tuple[str, ...]:
    line = f"-m t2ialign align ipo --name both {TINY} --steps {steps} --job j1 --store {home}"
    return tuple(line.split())


def steps_in(folder: Path) -> list[int]:
    path = folder / "steps.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line)["record"]["step"] for line in lines]


def wait_for_steps(folder: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 200
    while not steps_in(folder):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[0][-3000:]
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(os.name != "posix", reason="fork is POSIX's")
def test_a_pause_reaches_both(tmp_path: Path, light_home: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copytree(light_home, tmp_path, dirs_exist_ok=True)
    folder = tmp_path / "jobs" / "j1"
    with launched(*align(tmp_path, 100_000)) as process:
        wait_for_steps(folder, process)
        (folder / "control").write_text("pause")
        output, _ = process.communicate(timeout=60)
    assert json.loads((folder / "progress.json").read_text())["ended"] == "paused", output[-3000:]
    done = steps_in(folder)
    assert done == list(range(1, len(done) + 1))
    assert not (tmp_path / "training" / "both").exists(), "both work in the job's folder"
    monkeypatch.setattr(sys, "argv", ["t2ialign", *align(tmp_path, len(done) + 2)[2:]])
    forked(cli.main)
    assert steps_in(folder) == list(range(1, len(done) + 3))
    assert (tmp_path / "checkpoints" / "both" / "manifest.json").is_file()
