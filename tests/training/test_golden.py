"""The golden curve: twenty steps of Diffusion-DPO on the shipped base, as they came out when they were right.

``python -m tests.training.test_golden`` writes it anew, which a change of the base, of the loop's draws or of torch's
generators asks for. The tolerance is what other thread counts and other kernels were seen to change, with room.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from t2ialign.diffusion.adapters import add_adapter
from t2ialign.diffusion.backbone import load_backbone
from t2ialign.objectives.sigmoid import Sigmoid
from t2ialign.registry import resolve
from t2ialign.shapes.render import render
from t2ialign.shapes.scene import draw_scenes
from t2ialign.training.data import paired_data
from t2ialign.training.losses import PairLoss
from t2ialign.training.plan import TrainPlan
from t2ialign.training.train import train
from t2ialign.types import PreferencePair, Prompt, TrainStep

GOLDEN = Path(__file__).with_name("golden.json")
PLAN = TrainPlan(steps=20, batch=4, learning_rate=1e-3, save_every=0)


def warm_pairs() -> list[PreferencePair]:
    """Sixteen rendered scenes, the eight warmest each preferred to one of the others."""
    images = render(draw_scenes(16, torch.Generator().manual_seed(0)))
    red, _, blue = images.float().mean((2, 3)).unbind(1)
    order = (red - blue).argsort().tolist()
    return [PreferencePair(Prompt("a red circle"), images[order[15 - i]], images[order[i]], "warmth") for i in range(8)]


def curve() -> list[TrainStep]:
    base = load_backbone(resolve("base")[0], "cpu", "float32")
    torch.manual_seed(0)
    policy = add_adapter(base, "golden", rank=4)
    return list(train(policy, paired_data(base, warm_pairs()), PairLoss(Sigmoid(), scale=200.0), PLAN))


@pytest.mark.slow
def test_twenty_steps():
    golden, found = json.loads(GOLDEN.read_text()), curve()
    assert [step.loss for step in found] == pytest.approx(golden["loss"], rel=2e-3)
    assert [step.accuracy for step in found] == golden["accuracy"]
    assert found[-1].grad_norm == pytest.approx(golden["grad_norm"], rel=2e-2)


if __name__ == "__main__":
    steps = curve()
    record = {
        "loss": [round(step.loss, 6) for step in steps],
        "accuracy": [step.accuracy for step in steps],
        "grad_norm": round(steps[-1].grad_norm, 5),
    }
    GOLDEN.write_text(json.dumps(record) + "\n")
