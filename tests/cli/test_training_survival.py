"""A real training run, killed at random moments: it ends where an undisturbed one does, bit for bit."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from t2ialign import cli
from t2ialign.adapter_places import ADAPTER_FILE
from t2ialign.use_cases.align import optimise
from tests.repeats import times

TINY = "--prompt-count 2 --candidates 2 --sampling-steps 2 --test-prompts 1 --test-seeds 2 --batch-size 2 --rank 2"
KILLS = times(4, 20)
STEPS = 3 * KILLS
PAIRED = f"ipo {TINY} --probe-every {STEPS // 3} --steps {STEPS}"
FEW = "--prompt-count 1 --candidates 3 --sampling-steps 2 --probe-every 0 --test-prompts 0 --rank 2 --groups 1 --updates 2"
DRAWN = f"grpo {FEW} --diversity-weight 1 --diversity-metric latent_entropy --steps 5"


def begin(home: Path, what: str = PAIRED) -> int:
    """The command in a process of its own, which need not import everything anew."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        line = f"align {what} --name one --job j1 --store {home}"
        sys.argv = ["t2ialign", *line.split()]
        cli.main()
    except SystemExit as stopped:
        code = stopped.code or 0
    finally:
        os._exit(code)


def records(home: Path, file: str) -> list[dict]:
    path = home / "jobs" / "j1" / file
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [json.loads(line)["record"] for line in lines]


def weights(home: Path) -> dict:
    return load_file(home / "checkpoints" / "one" / ADAPTER_FILE)


def told(record: dict) -> str:
    return json.dumps({name: value for name, value in record.items() if name != "seconds"}, sort_keys=True)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(os.name != "posix", reason="fork is POSIX's")
def test_kills_change_nothing(tmp_path: Path, shipped_home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(optimise, "SAVE_EVERY", 5 if STEPS > 20 else 2)
    whole, broken, chance = tmp_path / "whole", tmp_path / "broken", random.Random(6)
    for home in (whole, broken):
        shutil.copytree(shipped_home, home)
    assert os.waitpid(begin(whole), 0)[1] == 0
    for _ in range(KILLS):
        process, wanted = begin(broken), len(records(broken, "steps.jsonl")) + chance.randrange(7)
        while len(records(broken, "steps.jsonl")) < wanted and os.waitpid(process, os.WNOHANG) == (0, 0):
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.5))
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    assert os.waitpid(begin(broken), 0)[1] == 0
    check_same(whole, broken, "steps.jsonl", "probes.jsonl")


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="fork is POSIX's")
def test_a_kill_of_a_run_that_draws_changes_nothing(tmp_path: Path, light_home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(optimise, "SAVE_DRAWING_EVERY", 2)
    whole, broken = (shutil.copytree(light_home, tmp_path / name) for name in ("whole", "broken"))
    assert os.waitpid(begin(whole, DRAWN), 0)[1] == 0
    process = begin(broken, DRAWN)
    while len(records(broken, "steps.jsonl")) < 3:  # the state is that of step 2
        assert os.waitpid(process, os.WNOHANG) == (0, 0)
        time.sleep(0.01)
    os.kill(process, signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(process, 0)[1]) == signal.SIGKILL
    assert not (broken / "checkpoints" / "one").exists(), "it had not ended"
    assert os.waitpid(begin(broken, DRAWN), 0)[1] == 0
    check_same(whole, broken, "steps.jsonl")
    taken = [record["step"] for record in records(broken, "steps.jsonl")]
    assert taken.count(3) == 2 and taken.count(1) == 1, "step 3 was taken again, and the first ones were not"


def check_same(whole: Path, broken: Path, *files: str) -> None:
    """Weights bit for bit, and every record, however often it was made."""
    expected, found = weights(whole), weights(broken)
    assert all((expected[name] == found[name]).all() for name in expected) and expected.keys() == found.keys()
    for file in files:
        once = {record["step"]: told(record) for record in records(whole, file)}
        taken = records(broken, file)
        assert {record["step"] for record in taken} == set(once)
        assert all(told(record) == once[record["step"]] for record in taken), "a step that was taken twice is the same"
