from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from t2ialign.tradeoff.interval import (
    bootstrap_p,
    covariance,
    difference_of,
    estimate,
    estimate_behind,
    mean_interval,
    moments,
    over_prompts,
    paired_difference,
    share_interval,
)
from t2ialign.types import InputError, Interval

VALUES = [0.61, 0.72, 0.55, 0.80, 0.67, 0.59]


def cells(values: list[float]) -> list[Interval]:
    return [Interval(value, value - 0.2, value + 0.3) for value in values]


def effects_of(table: np.ndarray, seeds: list[list[int]]) -> list[dict[int, float]]:
    """Each seed's deviation from its prompt's mean; ``table`` [prompts, seeds]."""
    return [dict(zip(own, (row - row.mean()).tolist())) for own, row in zip(seeds, table)]


def crossed(draw: np.random.Generator, spread: tuple[float, float, float], prompts: int, n: int) -> np.ndarray:
    """Prompt, seed and own effects of the given spreads, every prompt on the same seeds."""
    prompt, seed, own = spread
    table = prompt * draw.normal(size=(prompts, 1)) + seed * draw.normal(size=(1, n))
    return table + own * draw.normal(size=(prompts, n))


def coverage(spread: tuple[float, float, float], prompts: int, n: int, studies: int) -> tuple[float, float]:
    """How often the interval with shared seeds, and the one over prompts alone, hold the truth (0)."""
    draw, same = np.random.default_rng(0), [list(range(n))] * prompts
    hits = []
    for _ in range(studies):
        table = crossed(draw, spread, prompts, n)
        values = table.mean(1).tolist()
        both = (estimate(values, effects_of(table, same)).interval, estimate(values).interval)
        hits.append([found.lo <= 0 <= found.hi for found in both])
    two_way, one_way = np.mean(hits, 0)
    return float(two_way), float(one_way)


def test_t_interval_over_prompts_equals_scipy():
    found = over_prompts(cells(VALUES))
    expected = stats.ttest_1samp(VALUES, 0).confidence_interval(0.95)
    assert (found.mean, found.lo, found.hi) == pytest.approx((np.mean(VALUES), *expected))


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


def test_constant_values_have_no_width():
    assert mean_interval([0.25] * 5) == Interval(0.25, 0.25, 0.25)


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
    assert (found.interval.lo, found.interval.hi) == pytest.approx(tuple(expected))
    assert found.p == pytest.approx(stats.ttest_rel(list(policy.values()), list(base.values())).pvalue)
    assert found.interval.lo > 0.05


def test_an_estimate_is_found_again_from_its_interval():
    known = estimate(VALUES)
    found = estimate_behind(known.interval, known.df)
    assert (found.mean, found.error, found.p) == pytest.approx((known.mean, known.error, known.p))


def test_paired_difference_uses_shared_prompts_only():
    assert paired_difference({"a": 1.0, "b": math.nan, "c": 9.0}, {"a": 0.5, "b": 1.0, "d": 7.0}).mean == 0.5
    with pytest.raises(InputError, match="share no scored prompt"):
        paired_difference({"a": 1.0}, {"b": 1.0})


def test_shared_seeds_give_the_variance_of_a_balanced_two_way_layout():
    """(MS_prompt + MS_seed - MS_error) / (P n), the unbiased variance of a crossed design's grand mean (Searle, Casella and
    McCulloch, Variance Components, 1992, ch. 4)."""
    table = crossed(np.random.default_rng(3), (1.0, 1.0, 0.5), 6, 5)
    prompts, n = table.shape
    rows, columns = table.mean(1), table.mean(0)
    left = table - rows[:, None] - columns[None] + table.mean()
    error = (left**2).sum() / ((prompts - 1) * (n - 1))
    expected = (n * rows.var(ddof=1) + prompts * columns.var(ddof=1) - error) / (prompts * n)
    found = estimate(rows.tolist(), effects_of(table, [list(range(n))] * prompts))
    assert found.error**2 == pytest.approx(expected)
    assert 4 < found.df < 5 + 4


def test_the_mean_of_two_prompts_on_two_seeds_by_hand():
    """Values 1 and 3 over seeds +-1 and +-2: own 2^2 / 2 / 2 = 1, covariance (1 * 2 + 1 * 2) / (2 * 1) = 2."""
    found = estimate([1.0, 3.0], [{0: 1.0, 1: -1.0}, {0: 2.0, 1: -2.0}])
    assert found.error**2 == pytest.approx(1 + 2)
    assert found.df == pytest.approx(9 / (1 / 1 + 4 / 1))


def test_seeds_of_its_own_for_each_prompt_are_the_one_way_interval():
    table = crossed(np.random.default_rng(4), (1.0, 0.5, 0.5), 5, 4)
    own = [list(range(10 * prompt, 10 * prompt + 4)) for prompt in range(5)]
    assert estimate(table.mean(1).tolist(), effects_of(table, own)) == estimate(table.mean(1).tolist())
    assert over_prompts(cells(VALUES), effects=[{}] * len(VALUES)) == over_prompts(cells(VALUES))


def test_prompts_that_share_some_seeds_covary_through_those():
    effects = [{0: 1.0, 1: -1.0, 2: 0.0}, {1: -2.0, 2: 1.0, 3: 1.0}, {7: 5.0, 8: -5.0, 9: 0.0}]
    together, shared = covariance(effects)
    assert (together, shared) == (pytest.approx(2 * 2 / (3 * 2) / (3 * 2)), 2)


def test_a_negative_covariance_counts_as_none():
    effects = [{0: 1.0, 1: -1.0}, {0: -1.0, 1: 1.0}]
    assert covariance(effects) == (0.0, 2)
    assert estimate([1.0, 3.0], effects) == estimate([1.0, 3.0])


def test_shared_seeds_that_cannot_tell_leave_the_ends_open():
    unknown, single = [{0: math.nan, 1: math.nan}] * 3, [{0: 0.0}] * 3
    for effects in (unknown, single):
        found = estimate([1.0, 2.0, 3.0], effects)
        assert found.mean == 2 and math.isnan(found.interval.lo) and math.isnan(found.p)
    own = [{0: math.nan}, {1: math.nan}, {2: math.nan}]
    assert estimate([1.0, 2.0, 3.0], own) == estimate([1.0, 2.0, 3.0])


def test_a_difference_on_shared_seeds_drops_what_the_seeds_do_to_both():
    draw, same = np.random.default_rng(5), [list(range(8))] * 10
    seeds = draw.normal(size=(1, 8))
    base, policy = (seeds + 0.1 * draw.normal(size=(10, 8)) for _ in range(2))
    keys = [f"p{i}" for i in range(10)]
    values = [dict(zip(keys, table.mean(1).tolist())) for table in (policy, base)]
    ours, theirs = effects_of(policy, same), effects_of(base, same)
    paired = paired_difference(*values, {key: difference_of(*both) for key, *both in zip(keys, ours, theirs)})
    assert paired.error < 0.1 * estimate(list(values[0].values()), ours).error


def test_intervals_hold_where_prompts_share_seeds():
    two_way, one_way = coverage((0.2, 1.0, 0.5), 24, 8, 400)
    assert 0.92 <= two_way <= 0.98
    assert one_way < 0.4


@pytest.mark.slow
@pytest.mark.parametrize("spread", [(1, 0, 0.5), (1, 0.5, 1), (0.2, 1, 0.5), (0, 1, 0.3), (0, 0, 1)])
@pytest.mark.parametrize(("prompts", "n"), [(24, 8), (24, 4), (6, 16)])
def test_intervals_hold_whatever_varies(spread: tuple[float, float, float], prompts: int, n: int):
    two_way, _ = coverage(spread, prompts, n, 600)
    assert 0.92 <= two_way <= 0.99


def test_random_halves_of_the_seeds_rarely_differ():
    """The same model twice, on two halves of 16 seeds: intervals over prompts alone tell them apart in most splits."""
    draw, found = np.random.default_rng(6), []
    for _ in range(200):
        table = crossed(draw, (1.0, 1.0, 0.5), 24, 16)
        halves = table[:, :8], table[:, 8:]
        gap = (halves[0] - halves[1]).mean(1).tolist()
        ours, theirs = (effects_of(half, [seeds] * 24) for half, seeds in zip(halves, (range(8), range(8, 16))))
        joined = [{**one, **{seed: -effect for seed, effect in other.items()}} for one, other in zip(ours, theirs)]
        scaled = [{seed: 2 * effect * math.sqrt(15 / 14) for seed, effect in prompt.items()} for prompt in joined]
        found.append([estimate(gap).p < 0.05, estimate(gap, scaled).p < 0.05])
    one_way, two_way = np.mean(found, 0)
    assert one_way > 0.4 and two_way < 0.09


@pytest.mark.parametrize("shares", [[1.0, 1.0, 0.75, 1.0, 0.5, 1.0], [0.25, 0.5, 0.75], [0.0, 0.0, 0.125, 0.0]])
def test_an_interval_of_shares_is_wilsons_of_the_answers_they_are_worth(shares: list[float]) -> None:
    mean, count = np.mean(shares), len(shares)
    worth = mean * (1 - mean) / (np.var(shares, ddof=1) / count)
    level = 2 * stats.t.sf(stats.t.ppf(0.975, count - 1), np.inf)  # Student's quantile as one of the normal's
    expected = proportion_confint(mean * worth, worth, alpha=level, method="wilson")
    found = share_interval(moments(shares))
    assert (found.mean, found.lo, found.hi) == pytest.approx((mean, *expected), abs=1e-9)


@pytest.mark.parametrize("count", [2, 6, 24])
def test_where_all_prompts_are_alike_each_is_one_answer(count: int) -> None:
    """All won or all lost: Clopper and Pearson's. All at 0.5: another prompt's share lies anywhere."""
    for won in (0, count):
        found = share_interval(moments([float(won > 0)] * count))
        assert (found.lo, found.hi) == pytest.approx(proportion_confint(won, count, method="beta"))
    half, other = share_interval(moments([0.5] * count)), proportion_confint(0, count, method="beta")[1]
    assert (half.lo, half.hi) == pytest.approx((0.5 - other / 2, 0.5 + other / 2))
    thirds = share_interval(moments([1 / 3, 1 / 3 + 1e-9] * count))
    assert thirds.hi - thirds.lo > other / 3, "a spread by rounding alone is none"


def test_a_share_of_one_prompt_has_no_interval() -> None:
    found = share_interval(moments([1.0]))
    assert found.mean == 1 and math.isnan(found.lo) and math.isnan(found.hi)


def test_an_interval_of_shares_holds_the_truth() -> None:
    """Six prompts of four seeds that differ, a win rate of 0.95: Student's t, cut to 0..1, holds it half the time."""
    draw, hits = np.random.default_rng(0), []
    for _ in range(1000):
        found = moments((draw.binomial(4, draw.beta(0.95, 0.05, size=6)) / 4).tolist())
        both = found.estimate.interval.within((0.0, 1.0)), share_interval(found)
        hits.append([one.lo <= 0.95 <= one.hi for one in both])
    plain, ours = np.mean(hits, 0)
    assert plain < 0.6 and ours > 0.93


def test_a_bootstraps_p_value_is_by_the_side_of_zero_where_fewer_draws_lie() -> None:
    draws = np.array([-1.0] * 4 + [1.0] * 95)
    assert bootstrap_p(draws) == bootstrap_p(-draws) == pytest.approx(2 * 5 / 100)
    assert bootstrap_p(np.zeros(99)) == 1 and math.isnan(bootstrap_p(np.array([])))
    assert bootstrap_p(np.ones(1999)) == 0.001, "never 0"
