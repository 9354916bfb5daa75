from __future__ import annotations

import torch

from t2ialign.metrics import METRICS
from tests.metrics.features import random_features


def test_is_what_its_encoder_found():
    """The recipe itself is tested beside the encoder, on a tiny model of the same class."""
    values = random_features(6)["aesthetic"]
    torch.testing.assert_close(METRICS["aesthetic"].compute({"aesthetic": values}), values)
