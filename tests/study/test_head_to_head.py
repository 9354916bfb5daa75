import pytest
from scipy import stats

from t2ialign.study.answers import Answer
from t2ialign.study.head_to_head import head_to_head
from tests.study.conftest import vote


def picks(one: str, other: str, wins: int, losses: int, ties: int = 0, start: int = 0) -> list:
    said = [Answer((0,))] * wins + [Answer((1,))] * losses + [Answer((), "tie")] * ties
    return [vote([one, other], each, "pick", f"s{start + i}", prompt=f"p{i}") for i, each in enumerate(said)]


def test_the_binomial_test_by_hand():
    """Nine of ten: 2 (1 + 10) / 2^10; the tie says nothing about it."""
    (pair,) = head_to_head(picks("a", "b", 1, 9, 3))
    assert (pair.one, pair.other, pair.wins, pair.losses, pair.ties) == ("b", "a", 9, 1, 3)
    assert pair.p == pytest.approx(22 / 1024) and pair.adjusted == pair.p and pair.stands
    assert pair.share.mean == pytest.approx(0.9) and pair.share.lo > 0.5


def test_all_pairs_are_one_family():
    """p = 22/1024, 0.109375 and 1: Holm multiplies by 3, 2 and 1."""
    votes = picks("a", "b", 9, 1) + picks("a", "c", 8, 2, start=20) + picks("b", "c", 5, 5, start=40)
    first, second, third = head_to_head(votes)
    assert first.adjusted == pytest.approx(66 / 1024) and not first.stands
    assert second.p == pytest.approx(112 / 1024) and second.adjusted == pytest.approx(224 / 1024)
    assert third.p == third.adjusted == 1.0
    assert second.p == pytest.approx(stats.binomtest(8, 10).pvalue)


def test_ties_alone_decide_nothing():
    (pair,) = head_to_head(picks("a", "b", 0, 0, 4))
    assert (pair.wins, pair.losses, pair.ties, pair.p) == (0, 0, 4, 1.0) and not pair.stands


def test_checks_say_nothing_about_contenders():
    assert head_to_head([vote(["a", "decoy"], Answer((0,)), "pick", check="decoy")]) == []
