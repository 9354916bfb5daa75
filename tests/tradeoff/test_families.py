from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from t2ialign.tradeoff.families import holm, in_words, stands, tests
from t2ialign.types import Interval

tests.__test__ = False


def test_holm_by_hand():
    """Sorted 0.01, 0.02, 0.04: times 3, 2 and 1, never falling."""
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])


@pytest.mark.slow
def test_statsmodels_agrees():
    for seed in range(5):
        ps = (np.random.default_rng(seed).uniform(size=12) ** 3).tolist()
        assert holm(ps) == pytest.approx(multipletests(ps, method="holm")[1].tolist())


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_lies_between_no_correction_and_bonferronis(ps: list[float]):
    for p, adjusted in zip(ps, holm(ps)):
        assert p - 1e-12 <= adjusted <= min(1, p * len(ps)) + 1e-12


def test_what_is_no_test_does_not_count():
    found = holm([math.nan, 0.01, 0.04])
    assert math.isnan(found[0]) and found[1:] == pytest.approx([0.02, 0.04])
    assert tests([math.nan, 0.01, 0.04]) == 2
    assert holm([]) == [] and all(map(math.isnan, holm([math.nan])))


def test_of_twenty_true_nulls_holm_keeps_all_in_95_of_100_families():
    chance = np.random.default_rng(0)
    families = chance.uniform(size=(400, 20))
    plain = np.mean([(family < 0.05).any() for family in families])
    kept = np.mean([any(stands(p) for p in holm(family.tolist())) for family in families])
    assert plain > 0.55 and kept < 0.08


def test_words():
    away, across = Interval(0.2, 0.1, 0.3), Interval(0.2, -0.1, 0.5)
    assert in_words(away, 0.01, 20) == "the interval excludes zero, also after Holm over 20 differences"
    assert in_words(away, 0.3, 20) == "the interval excludes zero, not after Holm over 20 differences"
    assert in_words(away, 0.01, 1) == "the interval excludes zero"
    assert in_words(across, 0.01, 20) == "the interval holds zero"
    assert in_words(Interval(0.2, math.nan, math.nan), math.nan, 2) == "too few prompts or seeds to say"
