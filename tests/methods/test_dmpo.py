"""DMPO: the reverse KL between two coins, with the published meaning of beta."""

from __future__ import annotations

import torch

from t2ialign.methods import METHODS
from tests.methods.evaluations import pair_evaluation

METHOD = METHODS["dmpo"]


def test_its_loss_is_the_divergence_of_two_coins() -> None:
    seen = pair_evaluation(seed=4, spread=0.01)
    error = (seen.policy - seen.target).square().mean((1, 2, 3)) - (seen.reference - seen.target).square().mean(
        (1, 2, 3)
    )
    win, lose = error.chunk(2)
    p = torch.sigmoid(-0.5 * 300 * (win - lose))
    coin = p * (p / 0.9).log() + (1 - p) * ((1 - p) / 0.1).log()
    terms = METHOD.loss(METHOD.settings({"beta": 300.0, "alpha": 0.1, "safeguard": False}))(seen)
    torch.testing.assert_close(terms.values, coin)


def test_the_safeguard_is_on_as_published_and_changes_gradients_only() -> None:
    controls = {control.name: control for control in METHOD.controls()}
    assert controls["safeguard"].published is True
    seen = pair_evaluation(seed=5, spread=0.01)
    plain, guarded = (METHOD.loss(METHOD.settings({"safeguard": on}))(seen).values.detach() for on in (False, True))
    torch.testing.assert_close(plain, guarded)
