import pytest

from t2ialign.dashboard.explore import quick_votes
from t2ialign.dashboard.shared.visitors import Visitor
from t2ialign.store.studies import QUICK
from t2ialign.store.vote_queries import answers_of
from t2ialign.types import Prompt
from tests.dashboard import fakes

VOTER = "123-456-789-012"


@pytest.fixture
def pictures(services, config) -> list[str]:
    """Two checkpoints' pictures of one seed, where the page shows them."""
    made = []
    for index, name in enumerate(("base", "spo", "mi-tune")):
        batch = fakes.add_cell(services.store, Prompt("a ring"), config(name, 1 + index), (3, 4 + index))
        made.append(f"pictures/{batch.cell}/{4 + index}.webp")
    return made


def vote(services, picture, answer, others=(), voter=VOTER):
    return quick_votes.vote(
        services, Visitor(), {"voter": voter, "answer": answer, "picture": picture, "others": list(others)}
    )


def votes(services):
    return answers_of(services.store, QUICK)


@pytest.mark.slow
def test_a_thumb_is_a_vote_that_was_not_blind(services, pictures):
    assert vote(services, pictures[0], "up") == {}
    (one,) = votes(services)
    assert one.answer.chosen == (0,) and not one.blind and one.trial.shown[0].label == "base CFG 1"


@pytest.mark.slow
def test_a_changed_mind_replaces_the_vote(services, pictures):
    for answer in ("up", "down", "down"):
        vote(services, pictures[0], answer)
    (one,) = votes(services)
    assert one.answer.chosen == () and one.revision == 1


@pytest.mark.slow
def test_this_one_rather_than_the_others(services, pictures):
    assert vote(services, pictures[1], "rather", [pictures[0], pictures[2]]) == {}
    won = [vote.trial.shown[vote.answer.chosen[0]].label for vote in votes(services)]
    assert won == ["spo CFG 2", "spo CFG 2"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"voter": ""},
        {"voter": "<script>"},
        {"answer": "best"},
        {"picture": "pictures/../../etc/0.webp"},
        {"picture": "pictures/0000000000000000/0.webp"},
        {"picture": ["x"]},
    ],
)
def test_what_a_page_would_not_send_is_refused(services, pictures, change):
    data = {"voter": VOTER, "answer": "up", "picture": pictures[0], **change}
    assert "t2-notice" in quick_votes.vote(services, Visitor(), data)["notice"] and not votes(services)


@pytest.mark.slow
def test_a_stranger_votes_so_often_an_hour(services, pictures):
    stranger, most = Visitor("", "1.2.3.4", owner=False), services.visits.limits.surveys
    told = [
        quick_votes.vote(services, stranger, {"voter": VOTER, "answer": answer, "picture": pictures[0]})
        for answer in ("up", "down") * (most // 2 + 1)
    ]
    assert told[:most] == [{}] * most and "may vote 60 times an hour: wait 60 min" in told[most]["notice"]
    (one,) = votes(services)
    assert one.revision == most - 1
