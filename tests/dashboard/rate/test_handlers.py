import re

import pytest

from t2ialign import settings
from t2ialign.dashboard.rate import handlers
from t2ialign.dashboard.study import handlers as studying
from t2ialign.store.images import decode
from t2ialign.store.studies import set_state
from t2ialign.store.vote_queries import answers_of
from t2ialign.types import InputError
from tests.dashboard.studies import DESIGN, PICK, SETS, draft, names_of, opened


@pytest.fixture
def study(services):
    return opened(services).id


@pytest.fixture
def joined(services, study):
    return handlers.join(services.store, study, consent=True)


def give(services, study: str, joined: dict, place: int = 0, chosen=(0,), verdict: str = "", revision: int = 0) -> dict:
    trial = joined["rounds"][place]["trial"]
    answer = {"chosen": list(chosen), "verdict": verdict}
    return handlers.answer(services.store, study, joined["survey"], trial, answer, 900, revision)


def pictures(told: dict) -> list[str]:
    return [source for one in (told["example"], *told["rounds"]) for option in one["options"] for source in option]


@pytest.mark.slow
def test_anybody_with_the_link_may_look(services, study):
    told = handlers.look(services.store, study)
    assert told["title"] == DESIGN.title and told["rounds"] == 5 and told["kind"] == "select"
    assert told["sentence"] == "" and not told["preview"] and "withdraws" in told["consent"]


@pytest.mark.slow
def test_taking_part_needs_consent_and_a_group(services):
    study = opened(services, PICK.__class__(**{**vars(PICK), "groups": ("students", "others")})).id
    with pytest.raises(InputError, match="consent"):
        handlers.join(services.store, study, "students", False)
    with pytest.raises(InputError, match="students, others"):
        handlers.join(services.store, study, "", True)
    assert handlers.look(services.store, study)["groups"] == ["students", "others"]
    assert handlers.join(services.store, study, "others", True)["rounds"]


@pytest.mark.slow
def test_an_answer_is_there_once_it_is_acknowledged_and_only_once(services, study, joined):
    assert give(services, study, joined) == {"saved": True} and give(services, study, joined) == {"saved": False}
    (vote,) = answers_of(services.store, study)
    assert vote.answer.chosen == (0,) and vote.milliseconds == 900


@pytest.mark.slow
def test_going_back_is_another_revision(services, study, joined):
    give(services, study, joined)
    give(services, study, joined, chosen=(1,), revision=1)
    told = handlers.resume(services.store, study, joined["survey"])
    assert told["rounds"][0]["answer"]["chosen"] == [1] and told["rounds"][0]["revision"] == 1
    assert told["rounds"][1]["answer"] is None and "code" not in told


@pytest.mark.slow
@pytest.mark.parametrize("design", [DESIGN, PICK, SETS], ids=["select", "pick", "sets"])
def test_nothing_tells_which_method_made_a_picture(services, design):
    study = opened(services, design).id
    joined = handlers.join(services.store, study, consent=True)
    told = str([handlers.look(services.store, study), joined, handlers.resume(services.store, study, joined["survey"])])
    shas = {sha for vote in [*design.contenders] for sha in [vote.name]}
    assert not [word for word in (*names_of(design), *shas, "cell", "seed", "check", "decoys") if word in told]
    again = handlers.join(services.store, study, consent=True)
    assert not set(pictures(joined)) & set(pictures(again)), "two surveys share no address"
    assert len(set(pictures(joined))) == len(pictures(joined)), "nor two places of one survey"


@pytest.mark.slow
def test_an_address_leads_to_its_picture_and_to_nobody_elses(services, study, joined):
    for source in pictures(joined):
        _, survey, name = source.removesuffix(".webp").split("/")
        assert decode(handlers.picture(services.store, study, survey, name)).shape == (3, 64, 64)
    other = handlers.join(services.store, study, consent=True)["survey"]
    for survey in (other, "0" * 32, "x"):
        with pytest.raises(InputError):
            handlers.picture(services.store, study, survey, name)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("chosen", "verdict", "sentence"),
    [
        ((7,), "", "shows 3 pictures"),
        ((-1,), "", "shows 3 pictures"),
        ((0, 0), "", "at most once"),
        (("0",), "", "whole numbers"),
        ((True,), "", "whole numbers"),
        ((), "tie", "no such answer"),
        ((), "best", "no such answer"),
    ],
)
def test_what_a_round_does_not_offer_is_refused(services, study, joined, chosen, verdict, sentence):
    with pytest.raises(InputError, match=sentence):
        give(services, study, joined, chosen=chosen, verdict=verdict)
    assert not answers_of(services.store, study)


@pytest.mark.slow
@pytest.mark.parametrize(
    "answer", [None, [], "x", 3, {}, {"chosen": "0"}, {"chosen": None}, {"chosen": [0], "verdict": 3}]
)
def test_what_is_no_answer_is_refused(services, study, joined, answer):
    with pytest.raises(InputError, match="An answer has"):
        handlers.answer(services.store, study, joined["survey"], joined["rounds"][0]["trial"], answer, 5)


@pytest.mark.slow
def test_forged_and_replayed_answers_are_refused(services, study, joined):
    trial = joined["rounds"][0]["trial"]
    other = handlers.join(services.store, study, consent=True)
    good = {"chosen": [0], "verdict": ""}
    for survey, where in ((other["survey"], trial), ("f" * 32, trial), (joined["survey"], "0" * 16)):
        with pytest.raises(InputError):
            handlers.answer(services.store, study, survey, where, good, 5)
    give(services, study, joined)
    for revision in (0, -1, 9, True, "1"):
        with pytest.raises(InputError):
            give(services, study, joined, chosen=(2,), revision=revision)
    for milliseconds in (-1, 1.5, "5", None, 10**12):
        with pytest.raises(InputError):
            handlers.answer(services.store, study, joined["survey"], trial, good, milliseconds)
    assert len(answers_of(services.store, study)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("state", ["paused", "closed"])
def test_after_closing_nothing_is_taken(services, study, joined, state):
    set_state(services.store, study, state)
    assert state in handlers.look(services.store, study)["sentence"]
    with pytest.raises(InputError, match=state):
        give(services, study, joined)
    with pytest.raises(InputError, match=state):
        handlers.join(services.store, study, consent=True)


@pytest.mark.slow
def test_a_changed_picture_is_neither_shown_nor_answered(services, study, joined):
    for file in (services.store.home / "images").rglob("*.webp"):
        file.write_bytes(b"another picture")
    _, survey, name = joined["rounds"][0]["options"][0][0].removesuffix(".webp").split("/")
    with pytest.raises(InputError, match="changed or lost"):
        handlers.picture(services.store, study, survey, name)
    with pytest.raises(InputError, match="changed or lost"):
        give(services, study, joined)


@pytest.mark.slow
def test_a_code_withdraws_a_survey(services, study, joined):
    give(services, study, joined)
    assert handlers.take_back(services.store, study, f" {joined['code'].lower()} ") == {"answers": 1}
    assert not answers_of(services.store, study)
    with pytest.raises(InputError):
        handlers.resume(services.store, study, joined["survey"])
    with pytest.raises(InputError, match="code"):
        handlers.take_back(services.store, study, joined["code"])


@pytest.mark.slow
def test_a_draft_is_a_preview_of_which_nothing_is_kept(services):
    study = draft(services).id
    assert handlers.look(services.store, study)["preview"]
    joined = handlers.join(services.store, study, consent=True)
    assert len(joined["rounds"]) == 5 and joined["survey"].startswith(handlers.PREVIEW)
    assert give(services, study, joined)["saved"] and not answers_of(services.store, study)
    _, survey, name = pictures(joined)[0].removesuffix(".webp").split("/")
    assert handlers.picture(services.store, study, survey, name)
    assert not set(names_of(DESIGN)) & set(str(joined).split())


@pytest.mark.slow
def test_where_a_token_is_set_only_its_owners_link_previews(services, monkeypatch):
    study = draft(services).id
    forged = handlers.join(services.store, study, consent=True)
    monkeypatch.setattr(settings, "OWNER_TOKEN", "secret")
    key = re.search(r"\?key=(\w+)", studying.look(services, study, "")["status"])[1]
    assert handlers.look(services.store, study, key)["preview"]
    joined = handlers.join(services.store, study, consent=True, key=key)
    _, survey, name = pictures(joined)[0].removesuffix(".webp").split("/")
    assert handlers.picture(services.store, study, survey, name) and give(services, study, joined)["saved"]
    _, stale, other = pictures(forged)[0].removesuffix(".webp").split("/")
    for ask in (
        lambda: handlers.look(services.store, study),
        lambda: handlers.join(services.store, study, consent=True, key=key[:-1]),
        lambda: handlers.resume(services.store, study, stale),
        lambda: handlers.picture(services.store, study, stale, other),
        lambda: give(services, study, forged),
    ):
        with pytest.raises(InputError, match="not been opened"):
            ask()


def test_a_draft_without_pictures_says_so(services):
    study = draft(services, pictures=False).id
    assert handlers.look(services.store, study)["sentence"]
    with pytest.raises(InputError):
        handlers.join(services.store, study, consent=True)


def test_an_unknown_study_is_named(services):
    for study in ("nothing", "../x", "x" * 9999, None, "explore"):
        with pytest.raises(InputError):
            handlers.look(services.store, study)


@pytest.mark.parametrize("odd", [5, 0.5, True, ["x"], {"a": 1}, None, "\ud800", "x" * 300])
def test_a_study_that_is_no_text_is_a_sentence_that_tells_of_no_other(services, odd):
    """DuckDB compared the column of all studies with a number, and named the first one that is none."""
    secret = draft(services).id
    for act in (
        lambda: handlers.look(services.store, odd),
        lambda: handlers.join(services.store, odd, "", True),
        lambda: handlers.resume(services.store, odd, "survey"),
        lambda: handlers.answer(services.store, odd, "survey", "trial", {"chosen": [0]}, 5),
        lambda: handlers.take_back(services.store, odd, "CODE"),
    ):
        with pytest.raises(InputError) as caught:
            act()
        assert secret not in str(caught.value)
