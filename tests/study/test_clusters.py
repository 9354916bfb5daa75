from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.sandwich_covariance import S_crosssection

from t2ialign.study.clusters import FEWEST_PROMPTS, FEWEST_RATERS, clustered, unclustered

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


def test_who_is_unknown_is_a_cluster_of_its_own():
    data = scores()
    found = clustered(data, ["", "", *RATERS[2:]], PROMPTS)
    assert found.raters == len(set(RATERS[2:])) + 2
    assert found.covariance == pytest.approx(clustered(data, ["one", "other", *RATERS[2:]], PROMPTS).covariance)


def test_in_what_respect_answers_count_as_independent_is_said():
    assert unclustered(RATERS, PROMPTS) == ""
    assert (
        unclustered(["", *RATERS[1:]], PROMPTS) == "1 of 96 answers name no rater; each counts as a rater of its own."
    )
    nobody = "Intervals take answers for independent of their raters, because no rater can be told apart."
    assert unclustered([""] * 96, PROMPTS) == nobody
    assert "because only 1 prompt of the 5 that it takes can be told apart" in unclustered(RATERS, ["one"] * 96)


def test_who_is_too_few_is_no_cluster():
    data = scores()
    assert clustered(data, RATERS, ["one"] * 96).prompts == 0
    few = [f"r{i % (FEWEST_RATERS - 1)}" for i in range(96)], [f"p{i % (FEWEST_PROMPTS - 1)}" for i in range(96)]
    assert clustered(data, *few) is None
    only = clustered(data, few[0], PROMPTS)
    assert (only.raters, only.prompts, only.df) == (0, 8, 7)


def test_nothing_that_varies_has_no_error():
    found = clustered(np.zeros((96, 1)), RATERS, PROMPTS)
    assert found.covariance == 0 and math.isfinite(found.quantile)
