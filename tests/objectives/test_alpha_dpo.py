"""alpha-DPO's link against its published formula, and where that formula loses its digits."""

from __future__ import annotations

import pytest
import torch

from t2ialign.objectives.alpha_dpo import AlphaDpo
from t2ialign.types import InputError, PairLogRatios

MARGIN = torch.linspace(-4, 4, 9, dtype=torch.float64)


@pytest.mark.parametrize("alpha", [0.3, 0.9, 0.9999, 2.0])
def test_equals_the_published_formula(alpha: float):
    p = torch.sigmoid(1.5 * MARGIN)
    expected = (p**alpha - (1 - alpha) - alpha * p) / (alpha * (alpha - 1))
    found = AlphaDpo(1.5, alpha)(PairLogRatios(MARGIN, torch.zeros_like(MARGIN)))
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-10)


def test_gradient_near_one_leaves_badly_ordered_pairs_alone():
    """p (1 - p) log p to first order, in fp32 too, where the published formula would be noise."""
    margin = MARGIN.float().requires_grad_(True)
    (found,) = torch.autograd.grad(AlphaDpo(1.0)(PairLogRatios(margin, torch.zeros(9))).sum(), margin)
    p = torch.sigmoid(MARGIN)
    torch.testing.assert_close(found.double(), p * (1 - p) * p.log(), rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -2.0])
def test_refuses_alphas_without_a_formula(alpha: float):
    with pytest.raises(InputError, match="above 0 and not 1"):
        AlphaDpo(alpha=alpha)
