"""alpha-DPO against the formula of its published code, written out on numbers."""

from __future__ import annotations

import torch

from t2ialign.methods import METHODS
from tests.methods.evaluations import pair_evaluation

METHOD = METHODS["alpha_dpo"]


def test_its_loss_is_the_published_one() -> None:
    seen, beta, alpha = pair_evaluation(seed=0, spread=0.01), 400.0, 0.9
    policy, reference = ((side - seen.target).square().mean((1, 2, 3)) for side in (seen.policy, seen.reference))
    win, lose = (policy - reference).chunk(2)
    p = torch.sigmoid(-0.5 * beta * (win - lose))
    published = (p**alpha - (1 - alpha) - alpha * p) / (alpha * (alpha - 1))
    found = METHOD.loss(METHOD.settings({"beta": beta, "alpha": alpha}))(seen).values
    torch.testing.assert_close(found, published, rtol=1e-4, atol=1e-5)
