from __future__ import annotations

import pytest

from t2ialign.study.answers import Answer
from t2ialign.study.selection import answer_patterns, selection_rates
from tests.study.conftest import vote

# MI-TUNE, table 6, academic users: share of each pattern (MI, BLIP-VQA, HPS) in percent of 450 rounds.
TABLE_6 = {"": 14.7, "c": 1.8, "b": 10.4, "bc": 4.0, "a": 4.0, "ac": 6.0, "ab": 18.7, "abc": 40.4}
BOTTOM = {"a": 69.1, "b": 73.5, "c": 52.2}


def table_6() -> list:
    votes = []
    for pattern, percent in TABLE_6.items():
        for index in range(round(percent * 10)):
            chosen = Answer(tuple("abc".index(name) for name in pattern))
            votes.append(vote("abc", chosen, survey=f"s{index % 45}", milliseconds=len(votes)))
    return votes


def test_the_bottom_of_table_6_follows_from_its_top():
    found = {rate.contender: rate.share.mean * 100 for rate in selection_rates(table_6())}
    assert found == pytest.approx(BOTTOM, abs=0.06)


def test_patterns():
    found = answer_patterns(table_6())
    shares = {"".join(pattern.chosen): pattern.share.mean * 100 for pattern in found}
    assert shares == pytest.approx(TABLE_6, abs=0.06)
    assert "".join(found[0].chosen) == "abc"
    assert sum(pattern.count for pattern in found) == 1000


def test_rates_by_category_and_group():
    votes = [
        vote("ab", Answer((0,)), survey="s1", group="x", category="color"),
        vote("ab", Answer((0, 1)), survey="s2", group="y", category="color"),
        vote("ab", Answer(()), survey="s1", group="x", category="shape"),
        vote(["decoy", "b"], Answer((0,)), survey="s1", group="x", category="shape", check="decoy"),
    ]
    found = {(r.contender, r.category, r.group): (r.share.mean, r.shown) for r in selection_rates(votes)}
    assert found["a", "", ""] == (pytest.approx(2 / 3), 3)
    assert found["b", "", ""] == (pytest.approx(1 / 3), 3)
    assert found["b", "color", "y"] == (1, 1)
    assert found["a", "", "x"] == (0.5, 2)
    assert ("a", "shape", "y") not in found


def test_shared_pictures_count_for_both_and_ranks_for_the_first():
    found = {r.contender: r.share.mean for r in selection_rates([vote(["a+b", "c"], Answer((0,)))])}
    assert found == {"a": 1, "b": 1, "c": 0}
    found = {r.contender: r.share.mean for r in selection_rates([vote("abc", Answer((2, 0, 1)), "rank")])}
    assert found == {"a": 0, "b": 0, "c": 1}


def test_verdicts_are_patterns_of_their_own():
    votes = [vote("ab", Answer((), verdict), "pick") for verdict in ("tie", "neither")]
    assert {(p.chosen, p.verdict) for p in answer_patterns(votes)} == {((), "tie"), ((), "neither")}
    assert answer_patterns([]) == []
    assert selection_rates([]) == []
