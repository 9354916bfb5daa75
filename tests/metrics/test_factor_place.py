from __future__ import annotations

import math

import pytest
import torch

from t2ialign.metrics import METRICS
from t2ialign.metrics.scoring import score_features

METRIC = METRICS["factor_place"]


def test_by_hand():
    """The first object moves by 5, the second by 1: 3."""
    units = torch.tensor([[[0.0, 0.0], [1.0, 1.0]], [[3.0, 4.0], [1.0, 2.0]]])
    assert score_features(METRIC, {"factors_place": units}).mean == pytest.approx(3)


def test_nothing_left_open_is_no_number():
    assert math.isnan(score_features(METRIC, {"factors_place": torch.zeros(4, 0, 2)}).mean)
