from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from t2ialign.study.shares import difference_is_chance, share


def test_independent_answers_get_wilsons_interval():
    answers = [(str(i), "one", float(i < 30)) for i in range(100)]
    found = share(answers)
    assert found.mean == 0.3
    assert (found.lo, found.hi) == pytest.approx(proportion_confint(30, 100, method="wilson"), abs=0.002)


def test_a_survey_that_always_says_the_same_is_one_answer():
    answers = [(str(i // 10), "one", float(i // 10 < 3)) for i in range(100)]  # ten surveys, each of one mind
    found = share(answers)
    alpha = 2 * stats.norm.sf(stats.t.ppf(0.975, 9))
    lo, hi = proportion_confint(3 * 0.9, 9, alpha, "wilson")  # nine independent answers: one degree of freedom less
    assert (found.lo, found.hi) == pytest.approx((lo, hi), abs=1e-6)


def test_a_prompt_about_which_all_say_the_same_is_one_answer():
    answers = [(str(i % 10), str(i // 10), float(i // 10 < 3)) for i in range(100)]
    turned = [(prompt, survey, value) for survey, prompt, value in answers]
    assert share(answers) == share(turned) == share([(survey, "one", value) for _, survey, value in answers])


def test_nothing_and_unanimity():
    assert math.isnan(share([]).mean)
    found = share([(str(i), str(i), 1.0) for i in range(20)])
    assert (found.mean, found.hi) == (1.0, pytest.approx(1.0))
    assert 0.8 < found.lo < 1
    few = share([(str(i), str(i % 4), 1.0) for i in range(20)])
    assert few.lo == pytest.approx(proportion_confint(4, 4, method="wilson")[0])  # about four prompts it says no more


def test_the_interval_covers_the_truth_as_often_as_stated():
    """Surveys with a habit of their own, 12 answers each, 30 of them: the mean habit lies within the interval."""
    hits = []
    for seed in range(200):
        draw = np.random.default_rng(seed)
        habits = draw.beta(2, 3, 30)
        answers = [(str(i), "one", float(draw.random() < habit)) for i, habit in enumerate(habits) for _ in range(12)]
        found = share(answers)
        hits.append(found.lo <= 0.4 <= found.hi)
    assert 0.88 <= np.mean(hits) <= 0.995


def test_the_interval_covers_for_new_raters_and_new_prompts():
    """20 raters x 12 prompts, each with a habit: the interval over raters alone holds far less often."""
    hits = []
    for seed in range(200):
        draw = np.random.default_rng(seed)
        logit = 0.4 * draw.normal(size=(20, 1)) + 0.8 * draw.normal(size=(1, 12))
        said = (draw.random((20, 12)) < 1 / (1 + np.exp(-logit))).astype(float)
        answers = [(str(i), str(j), said[i, j]) for i in range(20) for j in range(12)]
        both, raters = share(answers), share([(survey, "one", value) for survey, _, value in answers])
        hits.append([found.lo <= 0.5 <= found.hi for found in (both, raters)])
    two_way, one_way = np.mean(hits, 0)
    assert two_way >= 0.92 and one_way < 0.8


def test_chi_squared():
    assert difference_is_chance(np.array([[50, 50], [50, 50]])) == 1.0
    assert difference_is_chance(np.array([[90, 10], [10, 90]])) < 1e-9
    assert math.isnan(difference_is_chance(np.array([[0, 0], [5, 5]])))
    assert math.isnan(difference_is_chance(np.empty((0, 0))))
