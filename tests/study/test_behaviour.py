from __future__ import annotations

import math
import random

import pytest

from t2ialign.study.answers import Answer
from t2ialign.study.behaviour import attention, position_bias, response_times
from tests.study.conftest import vote


def picks(first: float, seed: int = 0) -> list:
    chance = random.Random(seed)
    return [
        vote("ab", Answer((0 if chance.random() < first else 1,)), "pick", f"s{i % 20}", milliseconds=i)
        for i in range(400)
    ]


def test_position_bias_is_seen_and_its_absence_too():
    biased, fair = position_bias(picks(0.7)), position_bias(picks(0.5))
    assert biased.p_value < 1e-6
    assert biased.shares[0].lo > 0.6
    assert fair.p_value > 0.01
    assert fair.shown == (400, 400)
    assert math.isnan(position_bias([]).p_value)


def test_response_times():
    votes = [vote("ab", Answer(()), survey=s, milliseconds=ms) for s, ms in (("x", 1000), ("x", 3000), ("y", 5000))]
    found = response_times(votes)
    assert found.quantiles[2] == 3.0
    assert found.surveys == pytest.approx((2.0, 5.0))
    assert response_times([]).quantiles == ()


def test_attention():
    votes = [
        vote(["decoy", "b"], Answer((0,)), survey="x", check="decoy"),
        vote(["decoy", "b"], Answer((1,)), survey="y", check="decoy"),
        vote("ab", Answer((0,)), survey="y"),
    ]
    found = attention(votes)
    assert (found.answered, found.failed, found.surveys) == (2, 1, ("x",))
