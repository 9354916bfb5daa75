from __future__ import annotations

import math

import pytest
import torch

from t2ialign.metrics import METRICS
from t2ialign.metrics.scoring import score_features

METRIC = METRICS["factor_tilt"]


def test_by_hand():
    """Half a turn of the shape's symmetry: from one side of the unit circle to the other, 2."""
    units = torch.tensor([[[1.0, 0.0]], [[-1.0, 0.0]]])
    assert score_features(METRIC, {"factors_tilt": units}).mean == pytest.approx(2)


def test_nothing_left_open_is_no_number():
    assert math.isnan(score_features(METRIC, {"factors_tilt": torch.zeros(4, 0, 2)}).mean)
