from __future__ import annotations

import torch

from t2ialign.metrics.clip_score_hessel import clip_score_hessel
from tests.metrics.features import random_features


def test_is_a_scaled_cosine_that_stops_at_zero():
    features = random_features(9)
    cosine = torch.nn.functional.cosine_similarity(features["clip_image"], features["clip_text_depicts"])
    assert (cosine < 0).any()
    torch.testing.assert_close(clip_score_hessel(features), 2.5 * cosine.clamp_min(0))
