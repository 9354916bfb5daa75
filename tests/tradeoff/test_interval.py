from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from t2ialign.tradeoff.interval import mean_interval, over_prompts, paired_difference
from t2ialign.types import InputError, Interval

VALUES = [0.61, 0.72, 0.55, 0.80, 0.67, 0.59]


def cells(values: list[float]) -> list[Interval]:
    return [Interval(value, value - 0.2, value + 0.3) for value in values]


def test_t_interval_over_prompts_equals_scipy():
    found = over_prompts(cells(VALUES))
    expected = stats.ttest_1samp(VALUES, 0).confidence_interval(0.95)
    assert (found.mean, found.lo, found.hi) == pytest.approx((np.mean(VALUES), *expected))


def test_bca_interval_equals_scipy_and_never_changes():
    found = over_prompts(cells(VALUES), "bca")
    expected = stats.bootstrap((VALUES,), np.mean, n_resamples=20_000, method="BCa", rng=1).confidence_interval
    assert (found.lo, found.hi) == pytest.approx((expected.low, expected.high), abs=0.005)
    assert over_prompts(cells(VALUES), "bca") == found


def test_one_prompt_keeps_its_interval_over_seeds():
    only = Interval(0.5, 0.41, 0.62)
    assert over_prompts([only]) == only
    assert over_prompts([only, Interval(math.nan, math.nan, math.nan)]) == only
    assert math.isnan(over_prompts([]).mean)


def test_effective_numbers_are_inverted_after_averaging():
    def inverse(value: float) -> float:
        return 1 / value if value > 0 else math.inf

    found = over_prompts(cells([2.0, 4.0, 4.0]), finish=inverse)
    u = mean_interval([0.5, 0.25, 0.25])
    assert found.mean == pytest.approx(3)
    assert found.hi == (math.inf if u.lo <= 0 else pytest.approx(1 / u.lo))
    assert found.lo == pytest.approx(1 / u.hi)


@pytest.mark.parametrize("method", ["t", "bca"])
def test_constant_values_have_no_width(method: str):
    assert mean_interval([0.25] * 5, method) == Interval(0.25, 0.25, 0.25)


@given(st.lists(st.floats(-10, 10), min_size=3, max_size=12))
def test_t_interval_is_centred(values: list[float]):
    found = mean_interval(values)
    assert found.lo <= found.mean <= found.hi
    assert found.mean - found.lo == pytest.approx(found.hi - found.mean, abs=1e-9)


def test_prompts_not_seeds_carry_the_evidence():
    """95 % intervals over 20 prompts with strong prompt effects cover; pretending that all seeds were independent
    does not."""
    draw = np.random.default_rng(0)
    clustered, naive = 0, 0
    for _ in range(200):
        seeds = draw.normal(size=(20, 1)) + 0.3 * draw.normal(size=(20, 8))
        found = mean_interval(seeds.mean(1).tolist())
        clustered += found.lo <= 0 <= found.hi
        found = mean_interval(seeds.flatten().tolist())
        naive += found.lo <= 0 <= found.hi
    assert 0.9 < clustered / 200 < 0.99
    assert naive / 200 < 0.7


def test_paired_difference_equals_scipy_and_drops_the_prompts_own_difficulty():
    draw = np.random.default_rng(1)
    difficulty = draw.normal(size=10)
    base = {f"p{i}": value for i, value in enumerate(difficulty)}
    policy = {f"p{i}": value + 0.1 + 0.02 * draw.normal() for i, value in enumerate(difficulty)}
    found = paired_difference(policy, base)
    expected = stats.ttest_rel(list(policy.values()), list(base.values())).confidence_interval(0.95)
    assert (found.lo, found.hi) == pytest.approx(tuple(expected))
    assert found.lo > 0.05


def test_paired_difference_uses_shared_prompts_only():
    assert paired_difference({"a": 1.0, "b": math.nan, "c": 9.0}, {"a": 0.5, "b": 1.0, "d": 7.0}).mean == 0.5
    with pytest.raises(InputError, match="share no scored prompt"):
        paired_difference({"a": 1.0}, {"b": 1.0})
