import math
from dataclasses import replace

import pytest

from t2ialign.study.answers import Answer
from t2ialign.study.arena import leaderboard
from t2ialign.study.design import AnswerRule, checked
from t2ialign.study.strengths import duels_of, strengths
from t2ialign.study.trials import Drawn, draw_on
from t2ialign.types import InputError
from tests.study.conftest import design_of, vote


def arena(**fields):
    return design_of(compare="arena", answer=AnswerRule("pick", "better"), checks=0, **fields)


def test_odds_of_ten_to_one_are_400_points():
    votes = [vote(["a", "b"], Answer((0 if i < 10 else 1,)), "pick", f"s{i}") for i in range(11)]
    found = leaderboard(votes)
    first, second = found.standings
    assert first.name == "a" and first.points.mean - second.points.mean == pytest.approx(400, abs=0.1)
    assert first.points.mean + second.points.mean == pytest.approx(2000) and found.votes == 11
    assert (first.wins, first.losses, first.ties) == (
        10,
        1,
        0,
    ) and first.points.lo < first.points.mean < first.points.hi
    plain = strengths(duels_of(votes)).contenders[0].strength
    assert first.points.hi - first.points.lo == pytest.approx(400 / math.log(10) * (plain.hi - plain.lo))


def test_without_votes_nobody_stands_anywhere():
    with pytest.raises(InputError, match="no comparisons"):
        leaderboard([])


def test_no_picture_comes_twice_to_the_same_rater(make):
    """Three contenders, eight prompts, two seeds: sixteen rounds of two, and one picture of each left over."""
    manifest, seen, drawn = make(arena()), (), Drawn()
    while more := draw_on(manifest, "survey", seen, 3, drawn):
        seen += more
    assert len(seen) == 16 and [trial.place for trial in seen] == list(range(16))
    shown = [exhibit for trial in seen for exhibit in trial.shown]
    assert len(set(shown)) == len(shown) == 32
    assert all(len({exhibit.seeds for exhibit in trial.shown}) == 1 for trial in seen)
    assert len({trial.id for trial in seen}) == 16


def test_pairs_meet_as_often_over_many_raters(make):
    manifest, drawn = make(arena()), Drawn()
    for survey in range(12):
        draw_on(manifest, f"survey {survey}", (), 4, drawn)
    assert sorted(drawn.pairs.values()) == [16, 16, 16]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"answer": AnswerRule("select")}, "pick one of two"), ({"checks": 1}, "no attention checks")],
)
def test_what_an_arena_cannot_be(change, sentence):
    assert checked(arena()).endless
    with pytest.raises(InputError, match=sentence):
        checked(replace(arena(), **change))
