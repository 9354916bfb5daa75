"""HN-ITM against the formula of its published code, and its gradient against small changes."""

from __future__ import annotations

import pytest
import torch

from t2ialign.methods import METHODS
from tests.methods.evaluations import pair_evaluation
from tests.methods.gradients import slope

METHOD = METHODS["hn_itm"]


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_its_loss_is_the_published_one(factor: float) -> None:
    seen = pair_evaluation(seed=2, spread=0.3)
    right, wrong = (seen.policy - seen.target).square().mean((1, 2, 3)).chunk(2)
    published = right - torch.minimum(wrong, factor * right.detach())
    loss = METHOD.loss(METHOD.settings({"factor": factor}))
    torch.testing.assert_close(loss(seen).values, published)
    loss(seen).values.sum().backward()
    pushed = seen.policy.grad[5:].flatten(1).abs().sum(1) > 0
    assert pushed.tolist() == (wrong < factor * right).tolist(), "beyond the bound a loser has no gradient"


def test_its_gradient_is_that_of_small_changes() -> None:
    exact, numerical = slope(METHOD.loss(METHOD.settings({"factor": 100.0})), pair_evaluation(seed=2, spread=0.3))
    assert exact == pytest.approx(numerical, rel=1e-2)
