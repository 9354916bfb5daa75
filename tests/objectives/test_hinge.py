"""The hinge link, worked by hand."""

from __future__ import annotations

import torch

from t2ialign.objectives.hinge import Hinge
from t2ialign.types import PairLogRatios


def test_hand_worked():
    loss = Hinge(2.0)(PairLogRatios(torch.tensor([0.0, 0.25, 0.5, 3.0, -1.0]), torch.zeros(5)))
    assert loss.tolist() == [1.0, 0.5, 0.0, 0.0, 3.0]
