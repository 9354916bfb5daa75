from __future__ import annotations

import math

import pytest
import torch

from t2ialign.metrics import METRICS
from t2ialign.metrics.scoring import score_features

METRIC = METRICS["factor_size"]


def test_by_hand():
    """One free size, log radii 2 apart."""
    units = torch.tensor([[[-1.0]], [[1.0]]])
    assert score_features(METRIC, {"factors_size": units}).mean == pytest.approx(2)


def test_nothing_left_open_is_no_number():
    assert math.isnan(score_features(METRIC, {"factors_size": torch.zeros(4, 0, 2)}).mean)
