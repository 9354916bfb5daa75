"""NCPPO: what its loss is made of, and the published numbers; its perception is tested in tests/training."""

from __future__ import annotations

import pytest

from t2ialign.methods import METHODS
from t2ialign.objectives.sigmoid import Sigmoid
from t2ialign.training.losses import PairLoss, PerceivedPairLoss
from tests.methods.evaluations import pair_evaluation

METHOD = METHODS["ncppo"]


def test_it_is_dpo_with_other_errors() -> None:
    loss = METHOD.loss_of(METHOD.settings({"beta": 2500.0}))
    assert loss == PerceivedPairLoss(PairLoss(Sigmoid(), scale=2500.0)) and loss.needs_reference
    with pytest.raises(ValueError, match="no encoder to see with"):
        loss(pair_evaluation(seed=1, spread=0.1))


def test_published_numbers() -> None:
    controls = {control.name: control.published for control in METHOD.controls()}
    assert (controls["beta"], controls["rank"], controls["batch_size"], METHOD.published_steps) == (2500, 64, 512, 1500)
