from __future__ import annotations

import math
import random

import numpy as np
import pytest

from t2ialign.study.agreement import Rating, agreement, ratings_of
from t2ialign.study.answers import Answer
from t2ialign.types import InputError
from tests.study.conftest import vote

# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011): two observers and binary data (A), four observers with
# missing data (C); and the three-coder example of the encyclopaedias. A dot is an answer that was not given.
TEXTBOOK = {
    "binary": (("0100000010", "1110010000"), 0.095),
    "four observers": (("123321412...", "1233224125.3", ".333234225 1.".replace(" ", ""), "12332441251."), 0.743),
    "three coders": ((".....34121133.3", "1.213343.......", "..21344.21133.4"), 0.691),
}


# The same data at higher levels: Krippendorff (2011) gives 0.849 (interval) and 0.797 (ratio) for C, the encyclopaedias 0.811.
HIGHER = [
    ("four observers", "interval", 0.849),
    ("four observers", "ratio", 0.797),
    ("three coders", "interval", 0.811),
]


def ratings(rows: tuple[str, ...]) -> list[Rating]:
    return [
        Rating(f"unit {unit}", f"rater {rater}", answer)
        for rater, row in enumerate(rows)
        for unit, answer in enumerate(row)
        if answer != "."
    ]


@pytest.mark.parametrize("name", TEXTBOOK)
def test_textbook_values(name: str):
    rows, alpha = TEXTBOOK[name]
    found = agreement(ratings(rows))
    assert found.alpha.mean == pytest.approx(alpha, abs=5e-4)
    assert found.alpha.lo <= found.alpha.mean <= found.alpha.hi


@pytest.mark.parametrize(("name", "level", "alpha"), HIGHER)
def test_textbook_values_of_numbers(name: str, level: str, alpha: float):
    found = agreement(ratings(TEXTBOOK[name][0]), level)
    assert found.alpha.mean == pytest.approx(alpha, abs=5e-4)
    assert found.alpha.lo <= found.alpha.mean <= found.alpha.hi


def test_ratios_by_the_definition():
    """Observed over expected disagreement, summed pair by pair: within units by their number of answers, and over all."""
    chance = random.Random(3)
    units = [[chance.randint(1, 8) for _ in range(chance.choice((2, 3, 5)))] for _ in range(12)]
    apart = lambda a, b: ((a - b) / (a + b)) ** 2  # noqa: E731
    everything = [value for unit in units for value in unit]
    pairs = [sum(apart(a, b) for a in unit for b in unit) / (len(unit) - 1) for unit in units]
    expected = sum(apart(a, b) for a in everything for b in everything) / (len(everything) - 1)
    rows = [Rating(str(u), str(r), str(value)) for u, unit in enumerate(units) for r, value in enumerate(unit)]
    assert agreement(rows, "ratio").alpha.mean == pytest.approx(1 - sum(pairs) / expected)


def test_answers_below_their_level_are_refused():
    with pytest.raises(InputError, match="'a' about unit 'u' is none"):
        agreement([Rating("u", "x", "a"), Rating("u", "y", "1")], "interval")
    with pytest.raises(InputError, match="a number from 0 up"):
        agreement([Rating("u", "x", "-1"), Rating("u", "y", "1")], "ratio")
    with pytest.raises(InputError, match="nominal, interval, ratio, not 'ordinal'"):
        agreement([Rating("u", "x", "1"), Rating("u", "y", "1")], "ordinal")


def test_units_answered_once_say_nothing():
    rows, _ = TEXTBOOK["four observers"]
    found = agreement(ratings(rows))
    assert (found.units, found.raters, found.answers) == (11, 4, 40)


@pytest.mark.slow
def test_chance_is_zero_and_consent_is_one():
    chance = random.Random(0)
    units = [f"u{i}" for i in range(150)]
    noise = [Rating(unit, rater, chance.choice("ab")) for unit in units for rater in "xyz"]
    assert agreement(noise).alpha.lo < 0 < agreement(noise).alpha.hi
    perfect = [Rating(unit, rater, "ab"[i % 2]) for i, unit in enumerate(units) for rater in "xyz"]
    assert agreement(perfect).alpha.mean == agreement(perfect).alpha.lo == 1


@pytest.mark.slow
def test_the_interval_covers_the_truth_as_often_as_stated():
    """Raters who copy the unit's answer with chance 0.6, else guess among two: alpha is 0.36 in the limit."""
    hits = []
    for seed in range(40):
        chance, given = random.Random(seed), []
        for unit in range(60):
            truth = chance.choice("ab")
            given += [Rating(str(unit), r, truth if chance.random() < 0.6 else chance.choice("ab")) for r in "xyz"]
        found = agreement(given).alpha
        hits.append(found.lo <= 0.36 <= found.hi)
    assert np.mean(hits) >= 0.85


def test_one_value_everywhere_is_undefined_and_said():
    found = agreement([Rating("u", "x", "a"), Rating("u", "y", "a")])
    assert math.isnan(found.alpha.mean)
    assert "undefined" in found.note


def test_bad_ratings_are_refused():
    with pytest.raises(InputError, match="more than once"):
        agreement([Rating("u", "x", "a"), Rating("u", "x", "b")])
    with pytest.raises(InputError, match="two raters"):
        agreement([Rating("u", "x", "a"), Rating("v", "y", "b")])


def test_votes_become_ratings():
    selected = list(ratings_of([vote(["a", "b"], Answer((1,)), "select", "s1")]))
    assert [rating.answer for rating in selected] == ["not selected", "selected"]
    one = vote(["a", "b"], Answer((1,)), "pick", "s1")
    other = vote(["b", "a"], Answer((0,)), "pick", "s2")  # the same choice with the sides turned
    tie = vote(["a", "b"], Answer((), "tie"), "pick", "s3")
    found = list(ratings_of([one, other, tie, one]))
    assert len(found) == 3
    assert len({rating.unit for rating in found}) == 1
    assert found[0].answer == found[1].answer != found[2].answer == "tie"
    ranked = list(ratings_of([vote(["a", "b", "c"], Answer((2, 0, 1)), "rank")]))
    assert len(ranked) == 3
    assert list(ratings_of([vote(["a", "decoy"], Answer(()), check="decoy")])) == []
