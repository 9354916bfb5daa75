from __future__ import annotations

import torch
from sklearn.metrics.pairwise import cosine_distances

from t2ialign.metrics import METRICS
from tests.metrics.features import random_features


def test_equals_scikit_learn():
    features = random_features(6)
    expected = torch.from_numpy(cosine_distances(features["clip_image"].double().numpy())).float()
    torch.testing.assert_close(METRICS["clip_diversity"].compute(features), expected, rtol=1e-5, atol=1e-7)


def test_near_duplicates_keep_their_digits():
    """1 - cos loses everything below 1e-7 in fp32; the distance of unit vectors does not."""
    angle = 1e-4
    rows = torch.tensor([[1.0, 0], [1.0, angle], [0.0, 1.0]])
    pairs = METRICS["clip_diversity"].compute({"clip_image": rows})
    torch.testing.assert_close(pairs[0, 1], torch.tensor(angle**2 / 2), rtol=1e-3, atol=0)
