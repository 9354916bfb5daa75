from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import normalize

from t2ialign.metrics import METRICS
from t2ialign.metrics.scoring import score_features
from tests.metrics.features import random_features, take

U_RKE = METRICS["u_rke"]


def test_by_hand():
    """Cosines 0.6 (0, 1), 0 (0, 2) and 0.8 (1, 2): u = (0.36 + 0 + 0.64) / 3, so 1 / u = 3."""
    rows = torch.tensor([[1.0, 0], [0.6, 0.8], [0, 1]])
    assert score_features(U_RKE, {"clip_image": rows}).mean == pytest.approx(3, rel=1e-5)


def test_is_rke_without_the_diagonal():
    """RKE = 1 / |K / n|_F^2 over all pairs; taking out the n ones on its diagonal gives u."""
    features = random_features(6)
    kernel = features["clip_image"].double() @ features["clip_image"].double().T
    rke = 1 / float((kernel / 6).square().sum())
    u = (36 / rke - 6) / 30
    assert score_features(U_RKE, features).mean == pytest.approx(1 / u, rel=1e-5)


@pytest.mark.slow
def test_does_not_grow_with_the_number_of_seeds():
    """Mean of u over many small sets equals u of the whole population, at n = 4 as at n = 32; RKE's does not."""
    rows = normalize(torch.randn(1024, 12, generator=torch.Generator().manual_seed(0)) + 0.4, dim=1)
    whole = score_features(U_RKE, {"clip_image": rows}).mean

    def average(n: int) -> float:
        means = [1 / score_features(U_RKE, {"clip_image": part}).mean for part in rows.split(n)]
        return len(means) / sum(means)

    assert average(4) == pytest.approx(whole, rel=0.05)
    assert average(32) == pytest.approx(whole, rel=0.05)


def test_mixing_in_copies_lowers_it():
    features = random_features(8)
    numbers = [score_features(U_RKE, take(features, list(range(8 - k)) + [0] * k)).mean for k in range(8)]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[-1] == pytest.approx(1)


def test_pictures_that_share_nothing():
    score = score_features(U_RKE, {"clip_image": torch.eye(4)})
    assert score.mean == math.inf and math.isnan(score.hi)
