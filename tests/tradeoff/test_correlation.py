from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from t2ialign.tradeoff.correlation import _spearman, coefficient, rank_correlation

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=40)
Y = -X + 0.7 * DRAW.normal(size=40)


@pytest.mark.slow
@pytest.mark.parametrize(("rank", "authority"), [("spearman", stats.spearmanr), ("kendall", stats.kendalltau)])
def test_equals_scipy(rank: str, authority):
    found = rank_correlation(X.tolist(), Y.tolist(), rank)
    assert found.mean == pytest.approx(authority(X, Y).statistic)
    assert -1 <= found.lo < found.mean < found.hi < 0


def test_interval_is_close_to_fishers():
    found = rank_correlation(X.tolist(), Y.tolist(), "spearman")
    centre, width = np.arctanh(found.mean), 1.96 * 1.03 / math.sqrt(len(X) - 3)
    assert (found.lo, found.hi) == pytest.approx(tuple(np.tanh([centre - width, centre + width])), abs=0.08)


def test_unknown_and_constant():
    assert rank_correlation([1, 2, math.nan, 3], [3, 2, 9, 1]).mean == pytest.approx(-1)
    assert math.isnan(rank_correlation([1, 2, 3], [5, 5, 5]).mean)
    assert math.isnan(rank_correlation([1, 2, 3, 4], [1, 2, 4, 3]).lo)


def test_the_bootstrap_ranks_ties_and_constants_as_scipy_does():
    draw = np.random.default_rng(1)
    x, y = draw.integers(3, size=(200, 5)).astype(float), draw.integers(4, size=(200, 5)).astype(float)
    rows = [coefficient(left, right, "spearman") for left, right in zip(x, y)]
    assert np.isnan(rows).any()
    np.testing.assert_allclose(_spearman(x, y), rows, atol=1e-12)
