from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from t2ialign.tradeoff.comparison import PairedScore, comparisons, corrected, wins_over_losses
from t2ialign.types import AdapterUse, GenerationConfig, InputError
from tests.tradeoff.cells import metric

BASE = GenerationConfig("shapes")
POLICY = replace(BASE, adapters=(AdapterUse("mine"),))
METRICS = {"x": metric("x"), "u": metric("u", finish=lambda value: 1 / value)}


def rows(policy: list[float], base: list[float], name: str = "x", **changes: object) -> list[PairedScore]:
    made = [PairedScore(POLICY, BASE, f"p{i}", 8, name, "1", *both) for i, both in enumerate(zip(policy, base))]
    return [replace(row, **changes) for row in made]


def test_the_interval_is_that_of_scipys_paired_t_test():
    draw = np.random.default_rng(0)
    base = draw.uniform(0, 1, 24)
    policy = base + draw.normal(0.05, 0.1, 24)
    (found,) = comparisons(rows(policy.tolist(), base.tolist()), METRICS)
    expected = stats.ttest_rel(policy, base).confidence_interval(0.95)
    assert found.difference.mean == pytest.approx((policy - base).mean())
    assert (found.p, found.adjusted, found.family) == (*2 * [pytest.approx(stats.ttest_rel(policy, base).pvalue)], 1)
    assert (found.difference.lo, found.difference.hi) == pytest.approx(tuple(expected))
    assert (found.policy_mean.mean, found.base_mean.mean) == pytest.approx((policy.mean(), base.mean()))
    assert (found.prompts, found.seeds) == (24, 192)


def test_effective_numbers_have_means_and_no_difference():
    (found,) = comparisons(rows([2.0, 2.5, 2.0], [4.0, 4.0, 4.0], "u"), METRICS)
    assert found.difference is None
    assert found.policy_mean.mean == pytest.approx(1 / np.mean([0.5, 0.4, 0.5])) and found.base_mean.mean == 4


def test_only_the_model_may_differ():
    strong, other = replace(BASE, guidance_scale=8.0), replace(BASE, backbone="sd-1.5", height=512, width=512)
    given = [replace(row, base=config) for config in (strong, other) for row in rows([1.0, 2.0], [0.0, 0.0])]
    assert [found.base for found in comparisons(given, METRICS)] == [other]


def test_versions_are_never_mixed():
    mixed = [*rows([1.0], [0.0]), *rows([1.0], [0.0], version="2", prompt="q")]
    with pytest.raises(InputError, match="different versions .1 and 2.: re-score"):
        list(comparisons(mixed, METRICS))


def test_one_prompt_has_a_difference_without_an_interval():
    (found,) = comparisons(rows([0.75], [0.5]), METRICS)
    assert found.difference.mean == 0.25 and np.isnan(found.difference.lo)


def test_shared_seeds_widen_the_means_and_leave_what_both_share_out_of_the_difference():
    effects = {0: 1.0, 1: -1.0}
    (plain,) = comparisons(rows([0.7, 0.8, 0.6], [0.5, 0.5, 0.5]), METRICS)
    given = rows([0.7, 0.8, 0.6], [0.5, 0.5, 0.5], policy_effects=effects, base_effects=effects)
    (shared,) = comparisons(given, METRICS)
    assert shared.policy_mean.hi - shared.policy_mean.lo > 5 * (plain.policy_mean.hi - plain.policy_mean.lo)
    assert shared.difference == plain.difference


def test_a_family_of_differences_is_corrected_by_holm():
    weak, strong = [0.1, 0.2, 0.3, 0.12], [1.0, 1.01, 0.99, 1.0]
    found = list(comparisons([*rows(weak, [0.0] * 4), *rows(strong, [0.0] * 4, "y")], METRICS | {"y": metric("y")}))
    assert [one.in_words for one in found] == 2 * ["the interval excludes zero"] and found[0].p > 0.025
    weaker, stronger = corrected([*found, *found])[:2]
    assert weaker.family == 4 and weaker.adjusted == pytest.approx(2 * weaker.p)
    assert weaker.in_words == "the interval excludes zero, not after Holm over 4 differences" and not weaker.stands
    assert stronger.in_words == "the interval excludes zero, also after Holm over 4 differences" and stronger.stands
    (number,) = corrected(list(comparisons(rows([2.0, 2.5, 2.0], [4.0, 4.0, 4.0], "u"), METRICS)))
    assert (number.in_words, number.stands, number.family) == ("", False, 0)


def test_a_win_rate_counts_the_seeds_with_the_better_picture():
    """Two prompts: 1.5 of 2 seeds (one tie, by rounding alone) and 1 of 2; a value is its batch's mean and its effect."""
    effects = [({0: 0.1, 1: -0.1}, {0: -0.1, 1: 0.1 + 1e-9}), ({0: 0.3, 1: -0.3}, {0: 0.0, 1: 0.0})]
    pairs = zip(rows([0.7, 0.5], [0.5, 0.5]), effects)
    given = [replace(row, policy_effects=ours, base_effects=theirs) for row, (ours, theirs) in pairs]
    (found,) = comparisons(given, METRICS)
    assert found.win_rate.mean == pytest.approx((0.75 + 0.5) / 2)
    (lower,) = comparisons(given, {"x": metric("x", higher_is_better=False)})
    assert lower.win_rate.mean == pytest.approx(1 - found.win_rate.mean)
    assert [wins_over_losses(row, same_seed=False) for row in given] == [
        1.0,
        0.0,
    ]  # 0.8 > 0.6, 0.6 > 0.4; 0.8 > 0.5 > 0.2
    (whole,) = comparisons(given, {"x": metric("x", level="pair")})
    assert whole.win_rate is None
