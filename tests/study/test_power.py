from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from t2ialign.study.power import more_answers, separations
from t2ialign.study.strengths import Duel, strengths


def test_the_normal_formula():
    """(z.975 + z.80)^2 (s sqrt(N) / d)^2 answers in all (the other tail's share of the power is nothing)."""
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    wanted = (z * 0.2 * np.sqrt(100) / 0.3) ** 2
    assert more_answers(0.3, 0.2, 100) == pytest.approx(wanted - 100, abs=1.5)


def test_a_study_of_that_size_separates_four_times_in_five():
    """A coin of 0.58 to 0.42, 100 answers: the promised number of answers finds it in about 80 % of studies."""
    draw = np.random.default_rng(0)
    gap, error = np.log(0.58 / 0.42), 1 / np.sqrt(100 * 0.58 * 0.42)
    total = 100 + more_answers(gap, error, 100)
    wins = draw.binomial(total, 0.58, 4000) / total
    z = np.abs(np.log(wins / (1 - wins))) * np.sqrt(total * wins * (1 - wins))
    assert np.mean(z > stats.norm.ppf(0.975)) == pytest.approx(0.8, abs=0.03)


def test_sentences():
    clear = strengths([Duel("a", "b", "left")] * 90 + [Duel("b", "a", "left")] * 10)
    close = strengths([Duel("a", "b", "left")] * 55 + [Duel("b", "a", "left")] * 45)
    equal = strengths([Duel("a", "b", "left")] * 50 + [Duel("b", "a", "left")] * 50)
    assert separations(clear, 100)[0].sentence == "a is stronger than b."
    (one,) = separations(close, 100)
    assert 600 < one.more < 800
    assert one.sentence == f"About {one.more} more answers to separate a and b."
    assert separations(equal, 100)[0].more is None
    assert "look equal so far" in separations(equal, 100)[0].sentence
