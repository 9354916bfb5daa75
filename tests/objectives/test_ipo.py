"""IPO's link, worked by hand."""

from __future__ import annotations

import torch

from t2ialign.objectives.ipo import Ipo
from t2ialign.types import PairLogRatios


def test_hand_worked():
    """The target margin at beta 0.5 is 1; beyond it the loss rises again."""
    loss = Ipo(0.5)(PairLogRatios(torch.tensor([0.0, 1.0, 3.0]), torch.tensor([0.0, 0.0, 0.0])))
    assert loss.tolist() == [1.0, 0.0, 4.0]
