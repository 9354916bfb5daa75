"""Two processes under ``accelerate launch``, on the CPU, train the very adapter that one process trains."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from t2ialign.training.processes import ALONE, Processes, join
from t2ialign.training.state import read_state
from tests.launching import forked, launched
from tests.tiny import save_tiny
from tests.training import worker


def test_alone():
    tensors = [torch.arange(3.0), torch.ones(2, 2)]
    ALONE.average(tensors)
    ALONE.spread(tensors)
    ALONE.wait()
    assert ALONE.gather(tensors[0]) is tensors[0] and ALONE.first and not Processes(1, 2).first
    assert ALONE.agree("pause") == "pause"
    assert join("cpu") == Processes(0, 1, "cpu")


def found_in(folder: Path) -> list[dict]:
    """What each of two processes found."""
    return [torch.load(folder / f"2-{rank}.pt") for rank in range(2)]


def together(folder: Path, steps: int) -> list[dict]:
    """What each of two processes found after training up to ``steps``."""
    forked(lambda: worker.main(folder, 2, steps))
    return found_in(folder)


def killed(folder: Path, steps: int, dies: int) -> None:
    """Two processes that train up to ``steps`` and are killed at the step ``dies``."""
    with launched(worker.__file__, str(folder), "2", str(steps), str(dies)) as process:
        output, _ = process.communicate(timeout=200)
    assert process.returncode, output[-3000:]


@pytest.mark.slow
@pytest.mark.timeout(420)
@pytest.mark.skipif(os.name != "posix", reason="fork is POSIX's")
def test_two_processes_train_as_one(tmp_path):
    """Same losses over all pairs, same adapter in both, although they begin with different ones; and they resume."""
    save_tiny(tmp_path / "tiny")
    with launched(worker.__file__, str(tmp_path), "2", "3") as process:
        output, _ = process.communicate(timeout=200)
    assert process.returncode == 0, output[-3000:]
    both = found_in(tmp_path)
    assert [(found["count"], found["said"]) for found in both] == [(2, "pause"), (2, "pause")]
    for name, value in both[0]["weights"].items():
        assert torch.equal(value, both[1]["weights"][name])
    assert both[0]["losses"] == both[1]["losses"]
    worker.main(tmp_path, 1, 3)
    alone = torch.load(tmp_path / "1-0.pt")
    assert both[0]["losses"] == pytest.approx(alone["losses"], rel=1e-4)
    for name, value in both[0]["weights"].items():
        torch.testing.assert_close(value, alone["weights"][name], rtol=1e-2, atol=1e-3)
    forked(lambda: worker.main(tmp_path, 2, 5))
    resumed = found_in(tmp_path)
    assert len(resumed[0]["losses"]) == 2 and resumed[0]["losses"] == resumed[1]["losses"]


@pytest.mark.slow
@pytest.mark.timeout(420)
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_two_processes_that_were_killed_go_on_where_the_clock_last_saved(tmp_path):
    """Fifty steps are not over: it is by time that the state of step 2 is there."""
    save_tiny(tmp_path / "tiny")
    whole = together(tmp_path, 5)
    (tmp_path / "2.state").unlink()
    killed(tmp_path, 5, dies=3)
    assert read_state(tmp_path / "2.state")["step"] == 2
    rest = together(tmp_path, 5)
    assert [found["losses"] for found in rest] == [found["losses"][2:] for found in whole]
    for before, after in zip(whole, rest, strict=True):
        assert all(torch.equal(value, after["weights"][name]) for name, value in before["weights"].items())
