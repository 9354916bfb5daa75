from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from t2ialign.tradeoff.comparison import PairedScore, comparisons
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
