from __future__ import annotations

import pytest

from t2ialign.codec import decode, encode
from t2ialign.study.answers import Answer, checked_answer, duels
from t2ialign.types import InputError


def test_selections_have_one_form():
    assert checked_answer(Answer((2, 0)), "select", 3, 3) == Answer((0, 2))
    assert checked_answer(Answer(()), "select", 3, 3) == Answer(())
    assert checked_answer(Answer((2, 0)), "rank", 3, 2) == Answer((2, 0))


@pytest.mark.parametrize(
    ("answer", "kind", "shown", "most"),
    [
        (Answer((3,)), "select", 3, 3),
        (Answer((-1,)), "select", 3, 3),
        (Answer((0, 0)), "select", 3, 3),
        (Answer((0, 1)), "select", 3, 1),
        (Answer((), "tie"), "select", 3, 3),
        (Answer(()), "pick", 2, 2),
        (Answer((0, 1)), "pick", 2, 2),
        (Answer((0,), "tie"), "pick", 2, 2),
        (Answer((), "both"), "pick", 2, 2),
        (Answer((0,)), "rank", 3, 2),
        (Answer(), "rank", 3, 3),
    ],
)
def test_answers_that_a_round_does_not_offer_are_refused(answer: Answer, kind: str, shown: int, most: int):
    with pytest.raises(InputError):
        checked_answer(answer, kind, shown, most)


@pytest.mark.parametrize("chosen", [("0",), (0.0,), (True,), (None,)])
def test_positions_are_whole_numbers(chosen: tuple):
    with pytest.raises(InputError, match="whole numbers"):
        checked_answer(Answer(chosen), "select", 3, 3)


def test_counts_and_confidence_belong_to_rounds_that_ask_for_them():
    said = Answer((1,), "", (4, 1), "sure")
    assert checked_answer(said, "pick", 2, 2, (4, 4), True) == said
    assert encode(Answer((1,))) == {"chosen": [1], "verdict": ""}, "answers of other rounds are written as ever"
    assert decode(Answer, encode(said)) == said


@pytest.mark.parametrize(
    ("counts", "confidence", "sizes", "asked", "sentence"),
    [
        ((1, 2), "", (), False, "does not ask how many kinds"),
        ((), "sure", (), False, "does not ask how sure"),
        ((1,), "", (4, 4), False, "each of the 2 sets"),
        ((), "", (4, 4), False, "each of the 2 sets"),
        ((1, 5), "", (4, 4), False, "Set 2 has 4 pictures"),
        ((0, 1), "", (4, 4), False, "Set 1 has 4 pictures"),
        ((True, 1), "", (4, 4), False, "whole number of kinds from 1 to 4"),
        ((1.0, 1), "", (4, 4), False, "whole number"),
        ((), "", (), True, "guessing, fairly sure or sure"),
        ((), "certain", (), True, "guessing, fairly sure or sure"),
        ((), None, (), True, "guessing, fairly sure or sure"),
    ],
)
def test_odd_counts_and_confidence_are_refused(counts, confidence, sizes, asked: bool, sentence: str):
    with pytest.raises(InputError, match=sentence):
        checked_answer(Answer((0,), "", counts, confidence), "pick", 2, 2, sizes, asked)


def test_duels():
    assert list(duels(Answer((1,)), "pick", 2)) == [(1, 0, "left")]
    assert list(duels(Answer((), "neither"), "pick", 2)) == [(0, 1, "tie")]
    assert list(duels(Answer((0, 2)), "select", 3)) == [(0, 1, "left"), (2, 1, "left")]
    assert list(duels(Answer(()), "select", 3)) == []
    assert [pair[:2] for pair in duels(Answer((2, 0)), "rank", 4)] == [(2, 0), (2, 1), (2, 3), (0, 1), (0, 3)]
