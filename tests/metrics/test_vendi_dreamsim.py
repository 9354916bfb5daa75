from __future__ import annotations

import pytest

from t2ialign.metrics import METRICS
from tests.metrics.features import random_features


def test_is_the_vendi_score_of_its_own_embedding():
    rows = random_features(6)["dreamsim"]
    found = METRICS["vendi_dreamsim"].compute({"dreamsim": rows})
    assert found.item() == pytest.approx(METRICS["vendi"].compute({"clip_image": rows}).item())
