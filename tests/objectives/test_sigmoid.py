"""DPO's link, worked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from t2ialign.objectives.sigmoid import Sigmoid
from t2ialign.types import PairLogRatios


def test_hand_worked():
    """log 2 at zero margin; at beta margin = log 3 the winner has 3 chances in 4."""
    loss = Sigmoid(2.0)(PairLogRatios(torch.tensor([0.5, math.log(3) / 2]), torch.tensor([0.5, 0.0])))
    assert loss.tolist() == pytest.approx([math.log(2), math.log(4 / 3)])


def test_gradient_fades_with_the_margin_and_never_ends():
    margin = torch.tensor([-30.0, 0.0, 30.0], requires_grad=True)
    (gradient,) = torch.autograd.grad(Sigmoid()(PairLogRatios(margin, torch.zeros(3))).sum(), margin)
    assert gradient.tolist() == pytest.approx([-1, -0.5, -math.exp(-30)])
