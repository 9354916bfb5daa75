from __future__ import annotations

import random
from dataclasses import replace

import pytest

from t2ialign.study.answers import Answer
from t2ialign.study.design import AnswerRule
from t2ialign.study.exclusion import Rule
from t2ialign.study.records import Survey, Vote, real
from t2ialign.study.results import results
from t2ialign.study.simulation import Rater, answer_of, milliseconds_of
from t2ialign.study.trials import Drawn, draw
from tests.study.conftest import vote

WORTH = {"a": 0.6, "b": 0.0, "c": -0.6}


USUAL = Rater(tie=0.4)


def study(make, careless: int = 0, rater: Rater = USUAL) -> list[Vote]:
    manifest, drawn, chance = make(answer=AnswerRule("pick"), checks=2), Drawn(), random.Random(1)
    found = []
    for number in range(30):
        who = replace(rater, careless=number < careless)
        for trial in draw(manifest, f"survey {number}", drawn):
            worth = [WORTH.get(exhibit.label, 0.0) for exhibit in trial.shown]
            made = vote([e.label for e in trial.shown], answer_of(trial, worth, who, chance), "pick")
            group = "odd" if number % 2 else "even"
            found.append(
                replace(
                    made, survey=f"s{number:02}", group=group, trial=trial, milliseconds=milliseconds_of(who, chance)
                )
            )
    return found


@pytest.mark.slow
def test_everything_at_once(make):
    found = results(study(make))
    assert (found.answers, found.surveys, found.excluded) == (180, 30, ())
    assert [one.name for one in found.strengths.contenders] == ["a", "b", "c"]
    assert all(one.strength.lo <= WORTH[one.name] <= one.strength.hi for one in found.strengths.contenders)
    assert found.strengths.model == "Davidson"
    assert len(found.separations) == 2
    assert found.agreement.answers > 100
    assert found.positions.p_value > 0.001
    assert (found.attention.answered, found.attention.failed) == (60, 0)


@pytest.mark.slow
def test_exclusions_change_the_numbers_and_are_named(make):
    votes = study(make, careless=10)
    rules = (Rule("attention", 0), Rule("fast", 1500))
    with_them, without = results(votes, rules), results(votes)
    assert {survey for survey, _ in with_them.excluded} == {f"s{number:02}" for number in range(10)}
    assert with_them.surveys == 20
    assert without.surveys == 30
    assert with_them.attention == without.attention
    gap = with_them.strengths.difference("a", "c")
    assert gap.mean > without.strengths.difference("a", "c").mean


@pytest.mark.slow
def test_groups_and_first_position(make):
    assert results(study(make), group="odd").surveys == 15
    biased = results(study(make, rater=Rater(tie=0.3, first=1.5)))
    assert biased.positions.p_value < 1e-4


def test_no_votes_are_said_not_raised():
    found = results([])
    assert (found.strengths, found.agreement, found.answers) == (None, None, 0)
    assert len(found.notes) == 2


def test_a_survey_knows_its_rounds_and_no_other(make):
    trials = draw(make(), "x")
    survey = Survey("x", "study", "everyone", trials, vote("ab", Answer(())).created)
    answered = [replace(vote("ab", Answer(())), trial=trial) for trial in trials]
    assert survey.trial(trials[1].id) == trials[1]
    assert survey.trial("forged") is None
    assert len(real(answered)) == 6
