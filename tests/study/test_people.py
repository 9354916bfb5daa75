from __future__ import annotations

import math

import pytest
from scipy import stats

from t2ialign.study.answers import Answer
from t2ialign.study.people import metric_agreement, people_scores
from tests.study.conftest import sha, vote


def test_people_scores_are_shares():
    votes = [vote("ab", Answer((0,))), vote("ab", Answer((0, 1)), survey="t")]
    found = people_scores(votes)
    assert found["a prompt", (sha("a", "a prompt"),)] == 1.0
    assert found["a prompt", (sha("b", "a prompt"),)] == 0.5
    picks = people_scores([vote("ab", Answer((), "tie"), "pick"), vote("ab", Answer((1,)), "pick")])
    assert sorted(picks.values()) == [0.25, 0.75]


def test_tau_is_scipys_within_each_prompt():
    people = {("p", (str(i),)): value for i, value in enumerate((0.1, 0.4, 0.4, 0.9))}
    people |= {("q", (str(i),)): value for i, value in enumerate((0.9, 0.5, 0.1))}
    scores = {("p", (str(i),)): value for i, value in enumerate((3.0, 1.0, 4.0, 5.0))}
    scores |= {("q", (str(i),)): value for i, value in enumerate((1.0, 2.0, 3.0))}
    found = metric_agreement(people, "m", scores)
    first = stats.kendalltau([0.1, 0.4, 0.4, 0.9], [3, 1, 4, 5]).statistic
    assert found.tau.mean == pytest.approx((first - 1) / 2)
    assert found.prompts == 2
    assert -1 <= found.tau.lo <= found.tau.hi <= 1
    turned = metric_agreement(people, "m", scores, higher_is_better=False)
    assert turned.tau.mean == pytest.approx(-found.tau.mean)


def test_what_is_not_scored_does_not_count():
    people = {("p", ("x",)): 0.1, ("p", ("y",)): 0.9, ("q", ("x",)): 0.5}
    assert metric_agreement(people, "m", {("p", ("x",)): 1.0, ("p", ("y",)): math.nan}).prompts == 0
    assert math.isnan(metric_agreement(people, "m", {}).tau.mean)
