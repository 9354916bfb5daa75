from __future__ import annotations

import torch

from t2ialign.metrics import METRICS
from tests.metrics.features import random_features


def test_is_what_the_embedded_world_says():
    values = random_features(6)["taste"]
    torch.testing.assert_close(METRICS["taste"].compute({"taste": values}), values)
