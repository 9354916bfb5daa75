"""One process of ``test_processes``: ``worker.py FOLDER COUNT STEPS [DIES]`` trains the tiny model and writes what it found.

With DIES it saves after every step because it is late, and is killed by itself when it has taken that many.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import torch

from t2ialign.diffusion.adapters import adapter_parameters, add_adapter
from t2ialign.objectives.sigmoid import Sigmoid
from t2ialign.training import train as training
from t2ialign.training.losses import PairLoss
from t2ialign.training.plan import TrainPlan
from t2ialign.training.processes import join
from tests.tiny import load_tiny
from tests.training.conftest import pairs_for


def main(folder: Path, count: int, steps: int, dies: int = 0) -> None:
    processes = join("cpu")
    backbone = load_tiny(folder / "tiny")
    torch.manual_seed(processes.rank)  # each process draws another initial adapter: the first one's must win
    policy = add_adapter(backbone, "new", rank=2)
    plan = TrainPlan(steps=steps, batch=4, learning_rate=1e-3)
    training.SAVE_SECONDS = 0.0 if dies else training.SAVE_SECONDS
    found = training.train(
        policy, pairs_for(policy), PairLoss(Sigmoid(), scale=20.0), plan, folder / f"{count}.state", processes
    )
    losses = []
    for step in found:
        losses.append(step.loss)
        if step.step == dies:
            os.kill(os.getpid(), signal.SIGKILL)
    said = processes.agree("pause" if processes.first else "")
    weights = {name: parameter.detach() for name, parameter in adapter_parameters(policy).items()}
    record = {"losses": losses, "weights": weights, "count": processes.count, "said": said}
    torch.save(record, folder / f"{count}-{processes.rank}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
