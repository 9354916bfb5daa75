from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from t2ialign.study.shares import difference_is_chance, share


def test_independent_answers_get_wilsons_interval():
    answers = [(str(i), float(i < 30)) for i in range(100)]
    found = share(answers)
    assert found.mean == 0.3
    assert (found.lo, found.hi) == pytest.approx(proportion_confint(30, 100, method="wilson"), abs=0.002)


def test_a_survey_that_always_says_the_same_is_one_answer():
    answers = [(str(i // 10), float(i // 10 < 3)) for i in range(100)]  # ten surveys, each of one mind
    found = share(answers)
    lo, hi = proportion_confint(3 * 0.9, 9, method="wilson")  # nine independent answers: one degree of freedom less
    assert (found.lo, found.hi) == pytest.approx((lo, hi), abs=1e-6)


def test_nothing_and_unanimity():
    assert math.isnan(share([]).mean)
    found = share([(str(i), 1.0) for i in range(20)])
    assert (found.mean, found.hi) == (1.0, 1.0)
    assert 0.8 < found.lo < 1


def test_the_interval_covers_the_truth_as_often_as_stated():
    """Surveys with a habit of their own, 12 answers each, 30 of them: the mean habit lies within the interval."""
    hits = []
    for seed in range(200):
        draw = np.random.default_rng(seed)
        habits = draw.beta(2, 3, 30)
        answers = [(str(i), float(draw.random() < habit)) for i, habit in enumerate(habits) for _ in range(12)]
        found = share(answers)
        hits.append(found.lo <= 0.4 <= found.hi)
    assert 0.88 <= np.mean(hits) <= 0.995


def test_chi_squared():
    assert difference_is_chance(np.array([[50, 50], [50, 50]])) == 1.0
    assert difference_is_chance(np.array([[90, 10], [10, 90]])) < 1e-9
    assert math.isnan(difference_is_chance(np.array([[0, 0], [5, 5]])))
    assert math.isnan(difference_is_chance(np.empty((0, 0))))
