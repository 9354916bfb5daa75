"""PopAlign's link, worked by hand and against small changes."""

from __future__ import annotations

import math

import pytest
import torch

from t2ialign.objectives.popalign import PopAlign
from t2ialign.types import PairLogRatios


def test_hand_worked() -> None:
    """Log-ratios 2 log 3 and 0 have the mean log 3: gains log 3 and -log 3, sigmoids 3/4 both, so -log(3/4)."""
    ratios = PairLogRatios(torch.tensor([2 * math.log(3)]), torch.tensor([0.0]))
    assert PopAlign()(ratios).tolist() == pytest.approx([-math.log(0.75)])
    even = PairLogRatios(torch.zeros(2), torch.zeros(2))
    assert PopAlign(5.0)(even).tolist() == pytest.approx([math.log(2)] * 2)


def test_the_gradient_is_that_of_small_changes_around_a_fixed_point() -> None:
    """The mean is below 0, so that the reference point is 0 and stays there."""
    win = torch.tensor([-0.4, 0.1], dtype=torch.float64, requires_grad=True)
    lose = torch.tensor([-0.9, -0.3], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda w, lo: PopAlign(2.0)(PairLogRatios(w, lo)), (win, lose))
    high = torch.tensor([2.0], requires_grad=True)
    (grad,) = torch.autograd.grad(PopAlign()(PairLogRatios(high, torch.tensor([1.0]))).sum(), high)
    assert float(grad) == pytest.approx(-0.5 / (1 + math.exp(0.5))), "no term through the mean"
