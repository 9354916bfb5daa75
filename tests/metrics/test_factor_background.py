from __future__ import annotations

import math

import pytest
import torch

from t2ialign.metrics import METRICS
from t2ialign.metrics.scoring import score_features

METRIC = METRICS["factor_background"]


def test_by_hand():
    """Two colours 0.3 and 0.4 apart in two channels: 0.5."""
    units = torch.tensor([[[0.1, 0.2, 0.3]], [[0.4, 0.6, 0.3]]])
    assert score_features(METRIC, {"factors_background": units}).mean == pytest.approx(0.5)


def test_nothing_left_open_is_no_number():
    assert math.isnan(score_features(METRIC, {"factors_background": torch.zeros(4, 0, 2)}).mean)
