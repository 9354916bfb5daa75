"""Two processes under ``accelerate launch``, on the CPU, train the very adapter that one process trains."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from t2ialign.training.processes import ALONE, Processes, join
from tests.tiny import save_tiny

ROOT = Path(__file__).resolve().parents[2]
WORKER = Path(__file__).with_name("worker.py")


def test_alone():
    tensors = [torch.arange(3.0), torch.ones(2, 2)]
    ALONE.average(tensors)
    ALONE.spread(tensors)
    ALONE.wait()
    assert ALONE.gather(tensors[0]) is tensors[0] and ALONE.first and not Processes(1, 2).first
    assert join("cpu") == Processes(0, 1, "cpu")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def launch(folder: Path, count: int, steps: int) -> dict[int, dict]:
    """What each of ``count`` processes found after training up to ``steps``."""
    # accelerate starts several processes for --multi_gpu only; that they compute on the CPU is what they ask for
    launcher = ["-m", "accelerate.commands.launch", "--multi_gpu" if count > 1 else "--cpu"]
    launcher += ["--num_machines=1", "--mixed_precision=no"]
    launcher += ["--dynamo_backend=no", f"--num_processes={count}", f"--main_process_port={free_port()}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ACCELERATE_")}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    arguments = [str(WORKER), str(folder), str(count), str(steps)]
    done = subprocess.run(
        [sys.executable, *launcher, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return {rank: torch.load(folder / f"{count}-{rank}.pt") for rank in range(count)}


@pytest.mark.timeout(300)
def test_two_processes_train_as_one(tmp_path):
    """Same losses over all pairs, same adapter in both, although they begin with different ones; and they resume."""
    save_tiny(tmp_path / "tiny")
    together = launch(tmp_path, 2, 3)
    assert [found["count"] for found in together.values()] == [2, 2]
    for name, value in together[0]["weights"].items():
        assert torch.equal(value, together[1]["weights"][name])
    assert together[0]["losses"] == together[1]["losses"]
    alone = launch(tmp_path, 1, 3)[0]
    assert together[0]["losses"] == pytest.approx(alone["losses"], rel=1e-4)
    for name, value in together[0]["weights"].items():
        torch.testing.assert_close(value, alone["weights"][name], rtol=1e-2, atol=1e-3)
    resumed = launch(tmp_path, 2, 5)
    assert len(resumed[0]["losses"]) == 2 and resumed[0]["losses"] == resumed[1]["losses"]
