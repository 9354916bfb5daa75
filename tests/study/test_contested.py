from t2ialign.study.answers import Answer
from t2ialign.study.contested import contested
from tests.study.conftest import vote


def said(prompt: str, *chosen: int, labels=("a", "b")) -> list:
    answers = [Answer((place,)) if place >= 0 else Answer((), "tie") for place in chosen]
    return [vote(labels, answer, "pick", f"s{i}", prompt=prompt) for i, answer in enumerate(answers)]


def test_the_most_even_votes_come_first():
    votes = said("clear", 0, 0, 0, 1) + said("even", 0, 1, -1) + said("even too", 0, 1, 0, 1) + said("agreed", 0, 0)
    found = contested(votes)
    assert [one.prompt for one in found] == ["even too", "even", "clear"]
    even = found[1]
    assert {even.one.label, even.other.label} == {"a", "b"} and (even.wins, even.losses, even.ties) == (1, 1, 1)
    assert [one.prompt for one in contested(votes, most=1)] == ["even too"]


def test_where_a_picture_stood_does_not_matter():
    votes = said("p", 0) + said("p", 0, labels=("b", "a"))
    (found,) = contested(votes)
    assert (found.wins, found.losses) == (1, 1)


def test_nobody_argues_over_ties_and_checks():
    assert contested(said("ties", -1, -1)) == []
    assert (
        contested([vote(["a", "decoy"], Answer((place,)), "pick", f"s{place}", check="decoy") for place in (0, 1)])
        == []
    )
