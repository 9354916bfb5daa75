from __future__ import annotations

import torch

from t2ialign.metrics.clip_score import clip_score
from tests.metrics.features import random_features


def test_equals_torch_cosine():
    features = random_features(5)
    expected = torch.nn.functional.cosine_similarity(features["clip_image"], features["clip_text"][None])
    torch.testing.assert_close(clip_score(features), expected)


def test_own_direction_scores_one():
    unit = torch.tensor([0.6, 0.8])
    torch.testing.assert_close(
        clip_score({"clip_image": torch.stack([unit, -unit]), "clip_text": unit}), torch.tensor([1.0, -1])
    )
