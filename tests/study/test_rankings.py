from __future__ import annotations

import math
import random

import choix
import numpy as np
import pytest

from t2ialign.study.answers import Answer
from t2ialign.study.rankings import ranking_strengths
from t2ialign.study.records import Vote
from t2ialign.study.results import study_strengths
from t2ialign.types import InputError
from tests.study.conftest import vote

TRUE = {"a": 0.7, "b": 0.2, "c": -0.2, "d": -0.7}


def rankings(seed: int, raters: int = 15, each: int = 8, most: int = 4) -> list[Vote]:
    chance, votes = random.Random(seed), []
    for rater in range(raters):
        for number in range(each):
            names = chance.sample(sorted(TRUE), 4)
            noisy = [TRUE[name] - math.log(-math.log(chance.random())) for name in names]
            order = sorted(range(4), key=lambda place: -noisy[place])
            votes.append(vote(names, Answer(tuple(order)), "rank", f"s{rater}", milliseconds=number))
    return votes


def test_choix_agrees():
    votes = rankings(0)
    names = sorted(TRUE)
    data = [[names.index(v.trial.shown[place].label) for place in v.answer.chosen] for v in votes]
    known = choix.ilsr_rankings(4, data)
    found = {one.name: one.strength.mean for one in ranking_strengths(votes).contenders}
    assert [found[name] for name in names] == pytest.approx(known - known.mean(), abs=1e-4)


@pytest.mark.slow
def test_known_strengths_lie_in_their_intervals_as_often_as_stated():
    hits = []
    for seed in range(15):
        found = ranking_strengths(rankings(seed))
        hits += [one.strength.lo <= TRUE[one.name] <= one.strength.hi for one in found.contenders]
    assert np.mean(hits) >= 0.85


def test_study_chooses_the_model_by_its_answers():
    assert study_strengths(rankings(0)).model == "Plackett-Luce"
    picks = [vote(["a", "b"], Answer((i % 2,)), "pick", f"s{i}") for i in range(4)]
    assert study_strengths(picks).model == "Bradley-Terry"


def test_one_who_is_always_first_stays_finite_and_is_noted():
    found = ranking_strengths([vote(["a", "b", "c"], Answer((0, 1, 2)), "rank", f"s{i}") for i in range(5)])
    assert "no bound" in found.note
    assert all(math.isfinite(one.strength.hi) for one in found.contenders)


def test_no_rankings_are_no_strengths():
    with pytest.raises(InputError, match="no rankings"):
        ranking_strengths([])
