from __future__ import annotations

import pytest

from t2ialign.metrics import METRICS
from t2ialign.metrics.scoring import score_features
from tests.metrics.features import random_features


def test_is_u_rke_on_its_own_embedding():
    rows = random_features(6)["dinov2"]
    found = score_features(METRICS["u_rke_dinov2"], {"dinov2": rows})
    assert found.mean == pytest.approx(score_features(METRICS["u_rke"], {"clip_image": rows}).mean)
