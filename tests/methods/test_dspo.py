"""DSPO against the formula of its published code, and its gradient against small changes."""

from __future__ import annotations

import pytest
import torch

from t2ialign.methods import METHODS
from tests.methods.evaluations import pair_evaluation
from tests.methods.gradients import slope

METHOD = METHODS["dspo"]


@pytest.mark.parametrize("beta", [0.001, 2.0])
def test_its_loss_is_the_published_one(beta: float) -> None:
    seen = pair_evaluation(seed=1, spread=0.3)
    error_win, error_lose = (seen.policy - seen.target).square().mean((1, 2, 3)).chunk(2)
    reference_win, reference_lose = (seen.reference - seen.target).square().mean((1, 2, 3)).chunk(2)
    inside = -0.5 * beta * ((error_win - error_lose) - (reference_win - reference_lose))
    push = beta * (1 - torch.sigmoid(inside))[:, None, None, None]
    gap, way = (seen.policy - seen.target).chunk(2)[0], (seen.policy - seen.reference).chunk(2)[0]
    published = (gap - push * way).square().mean((1, 2, 3))
    loss = METHOD.loss(METHOD.settings({"beta": beta}))
    torch.testing.assert_close(loss(seen).values, published)
    exact, numerical = slope(loss, seen)
    assert exact == pytest.approx(numerical, rel=1e-2)
