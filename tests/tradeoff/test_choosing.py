"""A measure as a judge: Kendall's tau held to SciPy, choices counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from t2ialign.tradeoff.choosing import Marked, all_of_them, choices, first_middle_last, gain, shares
from t2ialign.tradeoff.choosing import tested as over_prompts  # a name that pytest does not take for a test


def marked(marks: list[float], truth: list[float], prompt: str = "p") -> Marked:
    return Marked(prompt, np.array(marks, dtype=float), np.array(truth, dtype=float))


def test_three_pictures_by_rank_of_the_measure() -> None:
    """Ranks 0, 2 (of 5) and 4: truths 0.2, 0.9, 0.5 give two pairs in order and one not."""
    one = marked([5, 1, 3, 2, 4], [0.5, 0.2, 0.9, 0.0, 0.0])
    assert first_middle_last(one) == pytest.approx((2 - 1) / 3)
    assert math.isnan(first_middle_last(marked([1, 2, 3], [0.5, 0.5, 0.5])))
    draw = np.random.default_rng(0)
    many = marked(draw.normal(size=12).tolist(), draw.integers(0, 4, 12).tolist())
    assert all_of_them(many) == pytest.approx(stats.kendalltau(many.marks, many.truth).statistic)


def test_what_choosing_gains_by_hand() -> None:
    """Blocks of two: of (0, 1) and (1, 0.5) the better marked have 1 and 0.5; the average of all four is 0.625."""
    one = marked([1, 2, 1, 2], [0, 1, 1, 0.5])
    assert gain(one, one.marks, 2, 1) == pytest.approx(0.75 - 0.625)
    assert gain(one, one.truth, 2, 1) == pytest.approx(1 - 0.625)
    assert gain(one, one.marks, 3, 1) == pytest.approx(1 - 2 / 3), "the fourth picture fills no block"
    assert gain(one, one.marks, 4, 4) == 0


def test_a_measure_that_knows_nothing_gains_nothing_and_the_family_is_corrected() -> None:
    draw = np.random.default_rng(1)
    prompts = [marked(draw.normal(size=16).tolist(), draw.uniform(size=16).tolist(), f"p{i}") for i in range(40)]
    found = choices(prompts, (4, 16, 32), (1, 2, 16))
    assert [(one.candidates, one.kept) for one in found] == [(4, 1), (4, 2), (16, 1), (16, 2)]
    assert all(one.gain.mean.lo < 0 < one.gain.mean.hi and one.gain.adjusted >= one.gain.p for one in found)
    assert all(one.most > 0.1 for one in found)
    known = [marked(one.truth.tolist(), one.truth.tolist()) for one in prompts]
    assert [one.gain.mean.mean for one in choices(known, (4,), (1,))] == pytest.approx([found[0].most])


def test_a_mean_leaves_out_what_is_unknown_and_says_how_many_it_has() -> None:
    found = over_prompts([0.1, math.nan, 0.3, 0.2])
    assert found.prompts == 3 and found.mean.mean == pytest.approx(0.2)
    assert (found.mean.lo, found.mean.hi) == pytest.approx(stats.t.interval(0.95, 2, 0.2, 0.1 / math.sqrt(3)))


def test_shares_are_the_empirical_distribution() -> None:
    values = np.random.default_rng(2).normal(size=20)
    x, y = shares(values)
    assert y == pytest.approx(stats.ecdf(values).cdf.evaluate(x))
