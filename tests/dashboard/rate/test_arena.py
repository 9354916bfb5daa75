"""An arena: blind before the answer, told after it, never the same picture twice, and open results."""

from dataclasses import replace

import pytest

from t2ialign.dashboard.rate import arena, handlers
from t2ialign.store import open_store
from t2ialign.store.studies import set_state
from t2ialign.store.vote_pairs import pairs_from_votes
from t2ialign.store.vote_queries import answers_of, survey_of
from t2ialign.store.vote_rows import ingest_votes
from t2ialign.types import InputError
from tests.dashboard.studies import DESIGN, PICK, draft, names_of, opened

ARENA = replace(PICK, compare="arena", checks=0, rounds=2, contenders=DESIGN.contenders)


@pytest.fixture
def study(services):
    return opened(services, ARENA).id


def give(services, study: str, survey: str, one: dict, chosen=(0,), revision: int = 0) -> dict:
    answer = {"chosen": list(chosen), "verdict": "" if chosen else "tie"}
    return handlers.answer(services.store, study, survey, one["trial"], answer, 900, revision)


def played(services, study: str) -> tuple[str, list[dict]]:
    """A survey to its end: the first picture always, until no pictures are left."""
    joined = handlers.join(services.store, study, consent=True)
    waiting, seen = joined["rounds"], []
    while waiting:
        seen.append(waiting[0])
        give(services, study, joined["survey"], waiting[0])
        waiting = arena.more(services.store, study, joined["survey"])["rounds"]
    return joined["survey"], seen


@pytest.mark.slow
def test_nothing_is_told_before_the_answer_and_who_made_what_after_it(services, study):
    joined = handlers.join(services.store, study, consent=True)
    (first, second), survey = joined["rounds"], joined["survey"]
    told = str([joined, handlers.look(services.store, study), arena.more(services.store, study, survey)])
    assert not any(name in told for name in (*names_of(ARENA), "cell", "seed"))
    made = give(services, study, survey, first)["made"]
    shown = survey_of(services.store, study, survey).trial(first["trial"]).shown
    assert made == [exhibit.label for exhibit in shown] and set(made) < {one.name for one in ARENA.contenders}
    again = str([handlers.resume(services.store, study, survey), arena.more(services.store, study, survey)])
    assert not any(name in again for name in names_of(ARENA)), "what comes next is blind as well"
    assert handlers.made_by(services.store, study, survey, second["trial"]) == []


@pytest.mark.slow
def test_an_answer_stays_as_it_was_given(services, study):
    joined = handlers.join(services.store, study, consent=True)
    first = joined["rounds"][0]
    made = give(services, study, joined["survey"], first)
    assert give(services, study, joined["survey"], first) == {"saved": False, "made": made["made"]}, "sent twice"
    with pytest.raises(InputError, match="stays as it is"):
        give(services, study, joined["survey"], first, (1,), revision=1)
    with pytest.raises(InputError, match="differently before"):
        give(services, study, joined["survey"], first, (1,))


@pytest.mark.slow
def test_rounds_go_on_until_every_picture_was_seen(services, study):
    """Three prompts, two seeds: six rounds, though the study asks for two at a time."""
    survey, seen = played(services, study)
    trials = survey_of(services.store, study, survey).trials
    assert len(seen) == len(trials) == 6 and [trial.place for trial in trials] == list(range(6))
    pictures = [exhibit.pictures for trial in trials for exhibit in trial.shown]
    assert len(set(pictures)) == len(pictures)
    assert arena.more(services.store, study, survey) == {"rounds": []}


@pytest.mark.slow
def test_no_more_rounds_before_the_last_are_answered(services, study):
    joined = handlers.join(services.store, study, consent=True)
    for _ in range(3):
        assert len(arena.more(services.store, study, joined["survey"])["rounds"]) == 2
    assert len(survey_of(services.store, study, joined["survey"]).trials) == 2


@pytest.mark.slow
def test_votes_stay_with_their_origin_and_train(services, study, tmp_path):
    survey, _ = played(services, study)
    votes = answers_of(services.store, study)
    assert len(votes) == 6 and all(vote.blind and vote.survey == survey for vote in votes)
    pairs = pairs_from_votes(services.store, study)
    assert len(pairs) == 6 and all(pair.win_key and len(pair.votes) == 1 for pair in pairs)
    folder = tmp_path / "other" / "votes"
    folder.mkdir(parents=True)
    for file in (services.store.home / "votes").glob("*.json*"):
        (folder / file.name).write_bytes(file.read_bytes())
    with open_store(tmp_path / "other") as restored:  # all six rounds lie in the files beside the database
        assert ingest_votes(restored) == 6
        assert [vote.trial.id for vote in answers_of(restored, study)] == [vote.trial.id for vote in votes]


@pytest.mark.slow
def test_everybody_sees_where_the_contenders_stand(services, study):
    told = arena.standings(services.store, study)
    assert told["standings"] == [] and told["note"] == arena.NONE_YET
    played(services, study)
    told = arena.standings(services.store, study)
    assert {one["name"] for one in told["standings"]} == {one.name for one in ARENA.contenders}
    assert told["votes"] == 6 and told["standings"][0]["points"]["lo"] < told["standings"][0]["points"]["mean"]


@pytest.mark.slow
def test_a_code_withdraws_all_rounds(services, study):
    joined = handlers.join(services.store, study, consent=True)
    for one in joined["rounds"]:
        give(services, study, joined["survey"], one)
    arena.more(services.store, study, joined["survey"])
    assert handlers.take_back(services.store, study, joined["code"]) == {"answers": 2}
    with pytest.raises(InputError, match="not known here"):
        arena.more(services.store, study, joined["survey"])


@pytest.mark.slow
def test_other_studies_tell_nothing(services):
    other = opened(services, PICK).id
    joined = handlers.join(services.store, other, consent=True)
    assert "made" not in give(services, other, joined["survey"], joined["rounds"][0], ())
    with pytest.raises(InputError, match="Only an arena shows"):
        arena.standings(services.store, other)
    with pytest.raises(InputError, match="Only an arena goes on"):
        arena.more(services.store, other, joined["survey"])
    with pytest.raises(InputError, match="Only an arena shows"):
        arena.standings(services.store, draft(services, replace(ARENA, title="A draft")).id)


@pytest.mark.slow
def test_a_paused_arena_takes_nothing(services, study):
    joined = handlers.join(services.store, study, consent=True)
    set_state(services.store, study, "paused")
    with pytest.raises(InputError, match="paused"):
        arena.more(services.store, study, joined["survey"])


@pytest.mark.slow
def test_the_preview_of_a_draft_tells_nothing_and_ends(services):
    study = draft(services, ARENA).id
    joined = handlers.join(services.store, study, consent=True)
    assert give(services, study, joined["survey"], joined["rounds"][0]) == {"saved": True, "preview": True}
    assert arena.more(services.store, study, joined["survey"]) == {"rounds": []}
