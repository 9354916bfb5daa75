from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from t2ialign.metrics import METRICS
from t2ialign.metrics.clip_diversity import clip_rows
from t2ialign.metrics.scoring import score_features
from t2ialign.metrics.vendi import cosine_kernel, hill_number
from tests.metrics.features import random_features, take

package = pytest.importorskip("vendi_score.vendi")
KERNEL = cosine_kernel(clip_rows(random_features(9)))


@pytest.mark.parametrize("order", [0.1, 0.5, 1, 2, 5, math.inf])
def test_equals_the_package(order: float):
    expected = package.score_K(KERNEL.numpy(), q="inf" if order == math.inf else order, normalize=False)
    assert hill_number(KERNEL, order).item() == pytest.approx(expected, rel=1e-5)


def test_by_hand():
    """Two pictures with cosine 0.6: eigenvalues of K / 2 are 0.8 and 0.2."""
    kernel = torch.tensor([[1, 0.6], [0.6, 1]], dtype=torch.float64)
    assert hill_number(kernel, 1).item() == pytest.approx(0.8**-0.8 * 0.2**-0.2)
    assert hill_number(kernel, 2).item() == pytest.approx(1 / (0.64 + 0.04))
    assert hill_number(kernel, math.inf).item() == pytest.approx(1.25)


@pytest.mark.parametrize("order", [0.5, 1, 2, math.inf])
def test_copies_count_once(order: float):
    """n / k copies of k unrelated pictures have the effective number k."""
    rows = torch.eye(4).repeat(5, 1)
    assert hill_number(cosine_kernel(rows), order).item() == pytest.approx(4, rel=1e-5)


def test_numbers_fall_with_the_order():
    numbers = [hill_number(KERNEL, order).item() for order in (0.1, 0.5, 1, 2, 5, math.inf)]
    assert numbers == sorted(numbers, reverse=True)


def test_grows_with_the_number_of_seeds():
    """Why sets of different size do not compare: the same population, measured at n = 8 and n = 32."""
    rows = normalize(torch.randn(32, 12, generator=torch.Generator().manual_seed(0)) + 0.4, dim=1)
    small = np.mean([hill_number(cosine_kernel(part), 1).item() for part in rows.split(8)])
    assert hill_number(cosine_kernel(rows), 1).item() > 1.2 * small


def test_one_picture_is_one_picture():
    assert score_features(METRICS["vendi"], take(random_features(3), [1])).mean == pytest.approx(1)
