"""IPO draws every margin to 1 / (2 beta)."""

from __future__ import annotations

import torch

from t2ialign.methods import METHODS
from tests.methods.evaluations import pair_evaluation

METHOD = METHODS["ipo"]


def test_its_loss_is_the_squared_distance_to_the_target() -> None:
    seen = pair_evaluation(seed=3, spread=0.02)
    error = (seen.policy - seen.target).square().mean((1, 2, 3)) - (seen.reference - seen.target).square().mean(
        (1, 2, 3)
    )
    win, lose = error.chunk(2)
    terms = METHOD.loss(METHOD.settings({"beta": 0.25, "scale": 100.0}))(seen)
    torch.testing.assert_close(terms.values, (-100 * (win - lose) - 2.0).square())
