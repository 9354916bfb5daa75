"""KTO's link, worked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from t2ialign.objectives.kto import Kto
from t2ialign.types import LabelledLogRatios


def test_hand_worked():
    """Log-ratios 2 log 3 and 0 have the mean log 3: K = log 3, gains log 3 and -log 3; liked 1/4, disliked 1/4."""
    ratios = LabelledLogRatios(torch.tensor([2 * math.log(3), 0.0]), torch.tensor([True, False]))
    assert Kto()(ratios).tolist() == pytest.approx([0.25, 0.25])
    assert Kto(1.0, 4.0, 2.0)(ratios).tolist() == pytest.approx([1.0, 0.5])


def test_reference_point_is_never_negative_and_never_learns():
    log_ratio = torch.tensor([-3.0, -1.0], requires_grad=True)
    loss = Kto()(LabelledLogRatios(log_ratio, torch.tensor([True, False])))
    assert loss.tolist() == pytest.approx([1 / (1 + math.exp(-3)), 1 / (1 + math.exp(1))])
    raised = torch.tensor([2.0, 4.0], requires_grad=True)
    loss = Kto()(LabelledLogRatios(raised, torch.tensor([True, True])))
    (gradient,) = torch.autograd.grad(loss.sum(), raised)
    s = 1 / (1 + math.exp(1))
    assert gradient.tolist() == pytest.approx([-s * (1 - s)] * 2)  # no term through the mean
