from __future__ import annotations

import math
import random

import choix
import numpy as np
import pytest
from scipy import optimize

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


def on_new_prompts(seed: int, raters: int, prompts: int, each: int, suits: float, habit: float) -> list[Vote]:
    """A contender's worth differs by prompt (``suits``) and rater (``habit``), both drawn anew for every study."""
    chance, names, votes = np.random.default_rng(seed), sorted(TRUE), []
    by_prompt, by_rater = suits * chance.normal(size=(prompts, 4)), habit * chance.normal(size=(raters, 4))
    for rater in range(raters):
        for prompt in chance.choice(prompts, size=each, replace=False):
            shown = chance.permutation(4)
            worth = np.array([TRUE[name] for name in names]) + by_prompt[prompt] + by_rater[rater]
            order = np.argsort(-(worth[shown] + chance.gumbel(size=4)))
            answer = Answer(tuple(order.tolist()))
            votes.append(vote([names[i] for i in shown], answer, "rank", f"s{rater}", prompt=f"p{prompt}"))
    return votes


def over_all_prompts(spread: float, rankings: int = 100_000) -> dict[str, float]:
    """What is estimated: the strengths that fit rankings over everything that there could be, from a large sample."""
    chance, worth = np.random.default_rng(0), np.array([TRUE[name] for name in sorted(TRUE)])
    order = np.argsort(-(worth + spread * chance.normal(size=(rankings, 4)) + chance.gumbel(size=(rankings, 4))), 1)
    rows, counts = np.unique(order, axis=0, return_counts=True)

    def surprise(at: np.ndarray) -> float:
        left = at[rows]
        return float(sum(counts @ (np.logaddexp.reduce(left[:, k:], 1) - left[:, k]) for k in range(3)) / rankings)

    found = optimize.minimize(surprise, worth).x
    return dict(zip(sorted(TRUE), (found - found.mean()).tolist()))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("raters", "prompts", "each", "suits", "habit"),
    [(15, 12, 8, 0.0, 0.0), (15, 12, 8, 0.7, 0.0), (15, 24, 8, 0.7, 0.3), (12, 6, 6, 0.7, 0.0)],
)
def test_new_prompts_lie_in_the_intervals_as_often_as_stated(
    raters: int, prompts: int, each: int, suits: float, habit: float
):
    """Of 40 studies, each with prompts and raters of its own: 160 intervals, correlated by fours, so 95 % less 6."""
    truth, hits = over_all_prompts(math.hypot(suits, habit)), []
    for seed in range(40):
        found = ranking_strengths(on_new_prompts(seed, raters, prompts, each, suits, habit)).contenders
        hits += [one.strength.lo <= truth[one.name] <= one.strength.hi for one in found]
    assert np.mean(hits) >= 0.89


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
