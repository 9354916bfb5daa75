"""What holds for every objective: its gradient with every divergence, its fields, and what it refuses."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from t2ialign.divergences import Alpha, Divergence, ForwardKl, JensenShannon, ReverseKl
from t2ialign.objectives import OBJECTIVES
from t2ialign.types import InputError, LabelledLogRatios, PairLogRatios

DIVERGENCES = [ReverseKl(), ForwardKl(), JensenShannon(), Alpha(0.4)]
WIN, LOSE = [0.3, -1.2, 2.0, 0.01], [-0.4, 0.7, 1.9, -2.5]


def ratios(name: str, win: torch.Tensor, lose: torch.Tensor) -> PairLogRatios | LabelledLogRatios:
    if name == "kto":
        return LabelledLogRatios(torch.cat([win, lose]), torch.arange(2 * len(win)) < len(win))
    return PairLogRatios(win, lose)


@pytest.mark.parametrize("divergence", DIVERGENCES, ids=str)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradient_is_the_numerical_one(name: str, divergence: Divergence):
    """Central differences in fp64. A reference point is held constant, so its own difference quotient is too."""
    objective = OBJECTIVES[name](beta=0.7)
    win, lose = (torch.tensor(side, dtype=torch.float64, requires_grad=True) for side in (WIN, LOSE))
    if name in ("kto", "popalign"):
        lose = (lose.detach() - 9).requires_grad_(True)  # mean below 0: the reference point is 0, whatever moves
    loss = lambda win, lose: objective(ratios(name, win, lose).map(divergence.score))  # noqa: E731
    assert torch.autograd.gradcheck(loss, (win, lose))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_better_pairs_cost_less(name: str):
    """Up to its target, if it has one: a larger margin lowers the loss, and one example never touches another's."""
    objective = OBJECTIVES[name](beta=0.5)
    good = torch.linspace(0, 0.4, 5)
    losses = objective(ratios(name, good, -good))[:5]
    assert (losses.diff() < 0).all() or name == "kto"
    if name != "kto":
        alone = torch.cat([objective(ratios(name, one[None], -one[None])) for one in good])
        torch.testing.assert_close(alone, losses)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_finite_at_any_margin(name: str):
    extreme = torch.tensor([-1e4, -100.0, 0.0, 100.0, 1e4], requires_grad=True)
    loss = OBJECTIVES[name]()(ratios(name, extreme, torch.zeros(5)))
    (gradient,) = torch.autograd.grad(loss.sum(), extreme)
    assert loss.isfinite().all() and gradient.isfinite().all() and (loss >= -1e-6).all()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_fields_are_numbers_and_beta_comes_first(name: str):
    fields = dataclasses.fields(OBJECTIVES[name])
    assert fields[0].name == "beta" and all(isinstance(field.default, float) for field in fields)
    for beta in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(InputError, match="beta must be a number above 0"):
            OBJECTIVES[name](beta=beta)
