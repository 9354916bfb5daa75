from __future__ import annotations

import math

import pytest
import torch

from t2ialign.metrics import METRICS
from t2ialign.metrics.factor_groups import GROUPS
from t2ialign.metrics.scoring import score_features

BY_HAND = [
    # two colours 0.3 and 0.4 apart in two channels
    ("background", [[[0.1, 0.2, 0.3]], [[0.4, 0.6, 0.3]]], 0.5),
    # a slope of 0.6 to the right against one of 0.8 downwards
    ("gradient", [[[0.6, 0.0]], [[0.0, 0.8]]], 1),
    # the first object moves by 5, the second by 1
    ("place", [[[0.0, 0.0], [1.0, 1.0]], [[3.0, 4.0], [1.0, 2.0]]], 3),
    # one free size, log radii 2 apart
    ("size", [[[-1.0]], [[1.0]]], 2),
    # half a turn of the shape's symmetry: from one side of the unit circle to the other
    ("tilt", [[[1.0, 0.0]], [[-1.0, 0.0]]], 2),
]


@pytest.mark.parametrize(("group", "units", "expected"), BY_HAND)
def test_by_hand(group: str, units: list, expected: float):
    found = score_features(METRICS[f"factor_{group}"], {f"factors_{group}": torch.tensor(units)})
    assert found.mean == pytest.approx(expected)


@pytest.mark.parametrize("name", GROUPS)
def test_nothing_left_open_is_no_number(name: str):
    (entry,) = METRICS[name].needs
    assert math.isnan(score_features(METRICS[name], {entry: torch.zeros(4, 0, 2)}).mean)


def test_all_groups_have_their_example():
    assert set(GROUPS) == {f"factor_{group}" for group, _, _ in BY_HAND}
