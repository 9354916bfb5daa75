"""GORS keeps what its reward likes and weighs it by that."""

from __future__ import annotations

import pytest
import torch

from t2ialign.methods import METHODS
from t2ialign.types import InputError
from tests.training.batches import seed_batch

METHOD = METHODS["gors"]


def test_pictures_over_the_threshold_weigh_their_reward() -> None:
    rule = METHOD.selection(METHOD.settings({"threshold": 0.5}))
    chosen = rule.choose(seed_batch(3), torch.tensor([0.5, 0.75, 1.0]))
    assert [one.weight for one in chosen] == [0.75, 1.0]


def test_rewards_below_zero_are_refused() -> None:
    rule = METHOD.selection(METHOD.settings({"threshold": 0.5}))
    with pytest.raises(InputError, match="choose another metric"):
        rule.choose(seed_batch(2), torch.tensor([-1.0, 2.0]))
