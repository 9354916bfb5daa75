from __future__ import annotations

import torch
from sklearn.metrics.pairwise import cosine_distances

from t2ialign.metrics import METRICS
from tests.metrics.features import random_features


def test_equals_scikit_learn_and_reads_its_own_embedding():
    features = random_features(6)
    expected = torch.from_numpy(cosine_distances(features["dreamsim"].double().numpy())).float()
    found = METRICS["dreamsim_diversity"].compute({"dreamsim": features["dreamsim"]})
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)
