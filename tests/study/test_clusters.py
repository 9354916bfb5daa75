from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.sandwich_covariance import S_crosssection

from t2ialign.study.clusters import FEWEST_PROMPTS, FEWEST_RATERS, clustered

RATERS, PROMPTS = [f"r{i // 8}" for i in range(96)], [f"p{i % 8}" for i in range(96)]


def scores(seed: int = 0) -> np.ndarray:
    """96 answers' centred scores with habits of 12 raters and 8 prompts."""
    draw = np.random.default_rng(seed)
    found = draw.normal(size=(12, 8, 2)) + 2 * draw.normal(size=(12, 1, 2)) + 3 * draw.normal(size=(1, 8, 2))
    return (found - found.mean((0, 1))).reshape(96, 2)


def test_two_ways_are_statsmodels_sums_over_raters_and_prompts_less_those_over_both():
    data = scores()
    found = clustered(data, RATERS, PROMPTS)
    labels = [np.unique(names, return_inverse=True)[1] for names in (RATERS, PROMPTS)]
    parts = [S_crosssection(data, one) * size / (size - 1) for one, size in zip(labels, (12, 8))]
    expected = sum(parts) - data.T @ data * 96 / 95
    assert np.linalg.eigvalsh(expected).min() > 0
    assert found.covariance == pytest.approx(expected)
    assert (found.raters, found.prompts) == (12, 8)
    assert 6.9 < found.df < 18.1 and found.quantile == pytest.approx(stats.t.ppf(0.975, found.df))


def test_the_order_of_raters_and_prompts_does_not_matter():
    data = scores(1)
    one, other = clustered(data, RATERS, PROMPTS, (2, 2)), clustered(data, PROMPTS, RATERS, (2, 2))
    assert one.covariance == pytest.approx(other.covariance) and (one.raters, one.prompts) == (12, 8)


def test_prompts_never_take_away_from_what_raters_say():
    for seed in range(20):
        data = np.random.default_rng(seed).normal(size=(96, 1))
        data -= data.mean()
        assert clustered(data, RATERS, PROMPTS).covariance >= clustered(data, RATERS, [""] * 96).covariance - 1e-12


def test_who_is_unknown_or_too_few_is_no_cluster():
    data = scores()
    assert clustered(data, ["", *RATERS[1:]], PROMPTS).raters == 0
    assert clustered(data, RATERS, ["one"] * 96).prompts == 0
    few = [f"r{i % (FEWEST_RATERS - 1)}" for i in range(96)], [f"p{i % (FEWEST_PROMPTS - 1)}" for i in range(96)]
    assert clustered(data, *few) is None
    only = clustered(data, few[0], PROMPTS)
    assert (only.raters, only.prompts, only.df) == (0, 8, 7)


def test_nothing_that_varies_has_no_error():
    found = clustered(np.zeros((96, 1)), RATERS, PROMPTS)
    assert found.covariance == 0 and math.isfinite(found.quantile)
