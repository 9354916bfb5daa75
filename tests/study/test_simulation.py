from __future__ import annotations

import math
import random
from collections import Counter

import pytest

from t2ialign.study.answers import Answer
from t2ialign.study.simulation import Rater, answer_of, milliseconds_of
from tests.study.conftest import vote

USUAL = Rater()


def answers(kind: str, names: str, worth: tuple[float, ...], rater: Rater = USUAL, count: int = 4000) -> Counter:
    trial = vote(
        list(names) if "decoy" not in names else names.split(),
        Answer(tuple(range(len(worth)))) if kind == "rank" else Answer((0,)),
        kind,
    ).trial
    chance = random.Random(0)
    return Counter(answer_of(trial, worth, rater, chance) for _ in range(count))


def test_picks_follow_bradley_terry_and_davidson():
    found = answers("pick", "ab", (1.0, 0.0))
    assert found[Answer((0,))] / 4000 == pytest.approx(1 / (1 + math.exp(-1)), abs=0.03)
    found = answers("pick", "ab", (0.5, -0.5), Rater(tie=0.7))
    weights = [math.exp(0.5), math.exp(-0.5), 0.7]
    assert found[Answer((), "tie")] / 4000 == pytest.approx(0.7 / sum(weights), abs=0.03)


def test_rankings_follow_plackett_and_luce():
    found = answers("rank", "abc", (1.0, 0.0, 0.0))
    first = sum(count for answer, count in found.items() if answer.chosen[0] == 0) / 4000
    assert first == pytest.approx(math.e / (math.e + 2), abs=0.03)


def test_selections_follow_their_worth():
    found = answers("select", "ab", (2.0, -2.0), Rater(bar=0.0))
    assert sum(count for answer, count in found.items() if 0 in answer.chosen) / 4000 == pytest.approx(0.88, abs=0.03)


def test_careless_raters_do_not_look():
    found = answers("pick", "decoy a", (5.0, 5.0), Rater(careless=True), 1000)
    assert 400 < found[Answer((0,))] < 600
    assert answers("pick", "decoy a", (5.0, 5.0), Rater(), 1000)[Answer((0,))] < 5
    chance = random.Random(0)
    assert milliseconds_of(Rater(careless=True), chance) < 2500 < milliseconds_of(Rater(), chance)
