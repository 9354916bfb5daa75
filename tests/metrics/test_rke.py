from __future__ import annotations

import pytest
import torch

from t2ialign.metrics.clip_diversity import clip_rows
from t2ialign.metrics.rke import rke
from t2ialign.metrics.vendi import cosine_kernel, hill_number
from tests.metrics.features import random_features


def test_is_the_vendi_score_of_order_two():
    features = random_features(9)
    expected = hill_number(cosine_kernel(clip_rows(features)), 2)
    assert rke(features).item() == pytest.approx(expected.item(), rel=1e-5)


def test_by_hand():
    rows = torch.tensor([[1.0, 0], [0.6, 0.8]])
    assert rke({"clip_image": rows}).item() == pytest.approx(4 / (2 + 2 * 0.36))
