"""DMPO's link against a sum over the two outcomes, and at its target."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Bernoulli, kl_divergence

from t2ialign.objectives.dmpo import Dmpo
from t2ialign.types import InputError, PairLogRatios


def test_equals_the_divergence_of_two_coins():
    margin = torch.linspace(-5, 5, 11, dtype=torch.float64)
    found = Dmpo(1.3, 0.05)(PairLogRatios(margin, torch.zeros_like(margin)))
    expected = kl_divergence(Bernoulli(logits=1.3 * margin), Bernoulli(torch.tensor(0.95, dtype=torch.float64)))
    torch.testing.assert_close(found, expected)


def test_hand_worked():
    """At zero margin: 0.5 log(0.5/0.99) + 0.5 log(0.5/0.01); 0 at the target log(99), and it pulls back beyond."""
    margin = torch.tensor([0.0, math.log(99), 6.0], requires_grad=True)
    loss = Dmpo()(PairLogRatios(margin, torch.zeros(3)))
    (gradient,) = torch.autograd.grad(loss.sum(), margin)
    assert loss.tolist()[:2] == pytest.approx([0.5 * math.log(0.25 / 0.0099), 0], abs=1e-6)
    assert float(gradient[0]) == pytest.approx(-math.log(99) / 4)
    assert float(gradient[1]) == pytest.approx(0, abs=1e-6) and gradient[2] > 0


def test_hardly_touches_pairs_that_are_very_wrong():
    margin = torch.tensor([-6.0], requires_grad=True)
    (gradient,) = torch.autograd.grad(Dmpo()(PairLogRatios(margin, torch.zeros(1))).sum(), margin)
    assert float(gradient[0]) == pytest.approx(-0.02614, abs=1e-4)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, math.nan])
def test_refuses_a_certain_target(alpha: float):
    with pytest.raises(InputError, match="between 0 and 1"):
        Dmpo(alpha=alpha)
