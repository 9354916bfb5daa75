from __future__ import annotations

import math

import pytest
import torch

from t2ialign.metrics import METRICS
from t2ialign.metrics.scoring import score_features

METRIC = METRICS["factor_gradient"]


def test_by_hand():
    """A slope of 0.6 to the right against one of 0.8 downwards: 1."""
    units = torch.tensor([[[0.6, 0.0]], [[0.0, 0.8]]])
    assert score_features(METRIC, {"factors_gradient": units}).mean == pytest.approx(1)


def test_nothing_left_open_is_no_number():
    assert math.isnan(score_features(METRIC, {"factors_gradient": torch.zeros(4, 0, 2)}).mean)
