"""One process of ``test_processes``: ``worker.py FOLDER COUNT STEPS`` trains the tiny model and writes what it found."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from t2ialign.diffusion.adapters import adapter_parameters, add_adapter
from t2ialign.objectives.sigmoid import Sigmoid
from t2ialign.training.losses import PairLoss
from t2ialign.training.plan import TrainPlan
from t2ialign.training.processes import join
from t2ialign.training.train import train
from tests.tiny import load_tiny
from tests.training.conftest import pairs_for


def main(folder: Path, count: int, steps: int) -> None:
    processes = join("cpu")
    backbone = load_tiny(folder / "tiny")
    torch.manual_seed(processes.rank)  # each process draws another initial adapter: the first one's must win
    policy = add_adapter(backbone, "new", rank=2)
    plan = TrainPlan(steps=steps, batch=4, learning_rate=1e-3)
    found = train(
        policy, pairs_for(policy), PairLoss(Sigmoid(), scale=20.0), plan, folder / f"{count}.state", processes
    )
    losses = [step.loss for step in found]
    said = processes.agree("pause" if processes.first else "")
    weights = {name: parameter.detach() for name, parameter in adapter_parameters(policy).items()}
    record = {"losses": losses, "weights": weights, "count": processes.count, "said": said}
    torch.save(record, folder / f"{count}-{processes.rank}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
