from __future__ import annotations

import json
import random
import shutil
import signal
import threading
from dataclasses import replace

import pytest

from t2ialign.store import Store, images, ingest_votes, open_store, vote_log
from t2ialign.store import votes as api
from t2ialign.store.studies import QUICK, manifest_of, set_state, study_of
from t2ialign.study.answers import Answer
from t2ialign.study.design import AnswerRule, Pictures
from t2ialign.types import InputError
from tests.store.studying import PICK, opened_study


@pytest.fixture
def study(store: Store) -> str:
    return opened_study(store).id


def lines(store: Store, study: str) -> list[dict]:
    return list(vote_log.read(vote_log.shard_of(store.home, study)))


def test_a_survey_from_beginning_to_end(store: Store, study: str):
    survey = api.begin_survey(store, study, "x").survey
    assert api.survey_of(store, study, survey.id) == replace(survey)
    for trial in survey.trials:
        assert api.record_answer(store, study, survey.id, trial.id, Answer((1,)), 1234)
    votes = api.answers_of(store, study)
    assert [vote.trial for vote in votes] == list(survey.trials)
    assert {(v.group, v.milliseconds, v.answer, v.blind) for v in votes} == {("x", 1234, Answer((1,)), True)}
    assert api.count_answers(store, study) == 4  # the attention check is no answer


def test_every_row_is_a_line(store: Store, study: str):
    survey = api.begin_survey(store, study, "x").survey
    api.record_answer(store, study, survey.id, survey.trials[0].id, Answer(()), 1)
    begun, vote = lines(store, study)
    assert (begun["kind"], vote["kind"]) == ("survey", "vote")
    assert vote["vote"] == api.answers_of(store, study)[0].id


def test_nothing_about_the_person_is_kept(store: Store, study: str):
    begun = api.begin_survey(store, study, "x")
    kept = vote_log.shard_of(store.home, study).read_text()
    assert begun.code not in kept
    assert set(json.loads(kept)) == {"kind", "survey", "study", "rater_group", "code", "created", "trials"}


def test_saying_the_same_twice_is_saying_it_once(store: Store, study: str):
    survey = api.begin_survey(store, study, "x").survey
    said = (store, study, survey.id, survey.trials[0].id, Answer((0, 2)), 5)
    assert api.record_answer(*said)
    assert not api.record_answer(*said)
    assert not api.record_answer(*said[:4], Answer((2, 0)), 99)
    assert len(lines(store, study)) == 2
    with pytest.raises(InputError, match="answered differently"):
        api.record_answer(*said[:4], Answer((1,)), 5)


def test_going_back_is_a_revision(store: Store, study: str):
    survey = api.begin_survey(store, study, "x").survey
    said = (store, study, survey.id, survey.trials[0].id)
    api.record_answer(*said, Answer((0,)), 5)
    assert api.record_answer(*said, Answer((1,)), 6, revision=1)
    (vote,) = api.answers_of(store, study)
    assert (vote.answer, vote.revision) == (Answer((1,)), 1)
    assert len(lines(store, study)) == 3
    for revision in (3, -1, 51):
        with pytest.raises(InputError, match="does not follow"):
            api.record_answer(*said, Answer((2,)), 6, revision)


def test_refusals(store: Store, study: str):
    survey = api.begin_survey(store, study, "x").survey
    other = api.begin_survey(store, study, "y").survey
    trial = survey.trials[0].id
    for args, said in (
        ((study, survey.id, "forged", Answer((0,)), 5), "no such round"),
        ((study, survey.id, other.trials[0].id, Answer((0,)), 5), "no such round"),
        ((study, "forged", trial, Answer((0,)), 5), "not known"),
        (("nonsense", survey.id, trial, Answer((0,)), 5), "not known"),
        ((study, survey.id, trial, Answer((7,)), 5), "shows 3 pictures"),
        ((study, survey.id, trial, Answer((), "tie"), 5), "no such answer"),
        ((study, survey.id, trial, Answer((0,)), -1), "milliseconds"),
        ((study, survey.id, trial, Answer((0,)), 10**12), "milliseconds"),
    ):
        with pytest.raises(InputError, match=said):
            api.record_answer(store, *args)
    assert api.answers_of(store, study) == []
    with pytest.raises(InputError, match="Say which you are: x, y"):
        api.begin_survey(store, study)
    with pytest.raises(InputError, match="Say which"):
        api.begin_survey(store, study, "z")


@pytest.mark.parametrize(("state", "said"), [("paused", "paused"), ("closed", "closed")])
def test_no_answers_after_pausing_or_closing(store: Store, study: str, state: str, said: str):
    survey = api.begin_survey(store, study, "x").survey
    set_state(store, study, state)
    with pytest.raises(InputError, match=said):
        api.record_answer(store, study, survey.id, survey.trials[0].id, Answer((0,)), 5)
    with pytest.raises(InputError, match=said):
        api.begin_survey(store, study, "x")
    assert api.answers_of(store, study) == []


def test_a_changed_picture_is_not_answered_about(store: Store, study: str):
    survey = api.begin_survey(store, study, "x").survey
    trial = survey.trials[0]
    sha = trial.shown[0].pictures[0]
    images.path_of(store.home, sha).write_bytes(b"another picture")
    (store.home / "votes" / "pictures" / f"{sha}.webp").write_bytes(b"another picture")
    with pytest.raises(InputError, match="changed or lost"):
        api.record_answer(store, study, survey.id, trial.id, Answer((0,)), 5)


def test_prompts_are_kept_as_they_are(store: Store, study: str):
    surveys = [api.begin_survey(store, study, "x").survey for _ in range(3)]
    prompts = {trial.prompt for survey in surveys for trial in api.survey_of(store, study, survey.id).trials}
    assert prompts == {"=1+1", "<script>alert(1)</script>", "a star"}


@pytest.mark.slow
def test_surveys_are_balanced_by_what_was_drawn_before(store: Store):
    study = opened_study(store, answer=PICK, rounds=6, checks=0, groups=("all",)).id
    for _ in range(6):
        api.begin_survey(store, study)
    trials = [trial for survey in api.list_surveys(store, study) for trial in survey.trials]
    pairs = [frozenset(exhibit.label for exhibit in trial.shown) for trial in trials]
    assert {pairs.count(pair) for pair in set(pairs)} == {12}
    assert len({trial.id for trial in trials}) == 36


@pytest.mark.slow
def test_withdrawing_deletes_the_survey_everywhere(store: Store, study: str):
    stay, gone = api.begin_survey(store, study, "x"), api.begin_survey(store, study, "y")
    for begun in (stay, gone):
        for trial in begun.survey.trials[:3]:
            api.record_answer(store, study, begun.survey.id, trial.id, Answer((0,)), 5)
    with pytest.raises(InputError, match="fits no survey"):
        api.withdraw(store, study, "WRONGCODE")
    typed = f" {gone.code[:4].lower()}-{gone.code[4:]} "
    assert api.withdraw(store, study, typed) == 3
    assert {vote.survey for vote in api.answers_of(store, study)} == {stay.survey.id}
    assert [line["kind"] for line in lines(store, study) if line["survey"] == gone.survey.id] == ["withdrawn"]
    assert ingest_votes(store) == 0
    with pytest.raises(InputError, match="withdrawn"):
        api.record_answer(store, study, gone.survey.id, gone.survey.trials[0].id, Answer((0,)), 5)
    with pytest.raises(InputError, match="withdrawn already"):
        api.withdraw(store, study, gone.code)


def test_a_crash_between_line_and_row_loses_and_doubles_nothing(store: Store, study: str, monkeypatch):
    """The line is on disk, the row is not: taken in at the next opening, or by the rater's second try."""
    survey = api.begin_survey(store, study, "x").survey
    append = vote_log.append

    def crash(*args):
        append(*args)
        raise RuntimeError("the power went")

    for trial in survey.trials[:2]:
        with monkeypatch.context() as patched, pytest.raises(RuntimeError):
            patched.setattr(vote_log, "append", crash)
            api.record_answer(store, study, survey.id, trial.id, Answer((0,)), 5)
    assert api.answers_of(store, study) == []
    assert api.record_answer(store, study, survey.id, survey.trials[0].id, Answer((1,)), 7)  # answered anew, otherwise
    assert ingest_votes(store) == 1
    assert ingest_votes(store) == 0
    assert [vote.answer for vote in api.answers_of(store, study)] == [Answer((1,)), Answer((0,))]


@pytest.mark.slow
def test_a_lost_database_comes_back_from_the_shards(store: Store, study: str, tmp_path):
    begun = api.begin_survey(store, study, "x")
    gone = api.begin_survey(store, study, "x")
    for trial in begun.survey.trials:
        api.record_answer(store, study, begun.survey.id, trial.id, Answer((0,)), 5)
    api.record_answer(store, study, begun.survey.id, begun.survey.trials[0].id, Answer((2,)), 5, 1)
    api.withdraw(store, study, gone.code)
    set_state(store, study, "paused")
    votes = api.answers_of(store, study)
    shutil.copytree(store.home / "votes", tmp_path / "new" / "votes")
    with open_store(tmp_path / "new") as other:
        assert ingest_votes(other) == 6
        assert api.answers_of(other, study) == votes
        assert study_of(other, study).state == "paused"
        assert manifest_of(other, study) == manifest_of(store, study)
        set_state(other, study, "open")
        fresh = api.begin_survey(other, study, "y").survey
        assert api.record_answer(other, study, fresh.id, fresh.trials[0].id, Answer((0,)), 5)
        assert api.withdraw(other, study, begun.code) == 5


def test_torn_lines_are_ended_and_left_out(store: Store, study: str):
    survey = api.begin_survey(store, study, "x").survey
    path = vote_log.shard_of(store.home, study)
    with path.open("ab") as file:
        file.write(b'{"kind": "vote", "vote": "torn by a cra')
    assert ingest_votes(store) == 0
    api.record_answer(store, study, survey.id, survey.trials[0].id, Answer((0,)), 5)
    assert [line["kind"] for line in lines(store, study)] == ["survey", "vote"]


def test_an_interrupted_withdrawal_is_finished(store: Store, study: str):
    begun = api.begin_survey(store, study, "x")
    api.record_answer(store, study, begun.survey.id, begun.survey.trials[0].id, Answer((0,)), 5)
    vote_log.append(store.home, study, [{"kind": "withdrawn", "study": study, "survey": begun.survey.id}])
    ingest_votes(store)
    assert api.answers_of(store, study) == []
    assert [line["kind"] for line in lines(store, study)] == ["withdrawn"]


@pytest.mark.slow
def test_many_raters_at_once(store: Store, study: str):
    """Every answer is given twice, by two threads: each counts once."""
    surveys = [api.begin_survey(store, study, "x").survey for _ in range(6)]
    new = []

    def answer(survey) -> None:
        for trial in survey.trials:
            new.append(api.record_answer(store, study, survey.id, trial.id, Answer((0,)), 5))

    threads = [threading.Thread(target=answer, args=[survey]) for survey in surveys * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(new) == len(api.answers_of(store, study)) == 30
    assert len(lines(store, study)) == 36


KILLED = """
from t2ialign.store import votes
from t2ialign.study.answers import Answer
with api.open_store(home) as store:
    say("ready")
    while True:
        survey = votes.begin_survey(store, sys.argv[2], "x").survey
        for trial in survey.trials:
            votes.record_answer(store, sys.argv[2], survey.id, trial.id, Answer((0,)), 5)
            say(trial.id)
"""


@pytest.mark.slow
def test_kill_9_loses_no_acknowledged_vote_and_doubles_none(store: Store, worker):
    study = opened_study(store).id
    store.close()
    acknowledged = []
    for wait in (7, 12):
        process = worker(KILLED, store.home, study)
        assert process.stdout.readline().strip() == "ready"
        for _ in range(wait):
            acknowledged.append(process.stdout.readline().strip())
        process.send_signal(signal.SIGKILL)
        acknowledged += [line for line in process.communicate()[0].splitlines() if len(line) == 16]
    with open_store(store.home) as reopened:
        ingest_votes(reopened)
        answered = [vote.trial.id for vote in api.answers_of(reopened, study)]
        known = [line["trial"] for line in lines(reopened, study) if line["kind"] == "vote"]
    assert len(set(answered)) == len(answered)
    assert set(acknowledged) <= set(answered) == set(known)


def test_quick_votes_are_marked_as_not_blind(store: Store, study: str):
    one, other = [exhibit for exhibit in manifest_of(store, study).exhibits if exhibit.prompt == "a star"][:2]
    assert api.record_quick(store, "browser", [one], Answer((0,)))
    assert not api.record_quick(store, "browser", [one], Answer((0,)))
    assert api.record_quick(store, "browser", [one], Answer(()))  # thumb turned down
    assert api.record_quick(store, "browser", [one, other], Answer((1,)))
    assert not api.record_quick(store, "browser", [other, one], Answer((0,)))  # the same, sides turned
    thumb, pick = sorted(api.answers_of(store, QUICK), key=lambda vote: len(vote.trial.shown))
    assert thumb.answer == Answer(())
    assert pick.trial.shown[pick.answer.chosen[0]] == other
    assert not thumb.blind
    assert study_of(store, QUICK).blind is False
    for shown, said in (([], "quick vote"), ([one, one], "very same"), ([one, other, one], "quick vote")):
        with pytest.raises(InputError, match=said):
            api.record_quick(store, "browser", shown, Answer((0,)))
    with pytest.raises(InputError):
        api.record_quick(store, "browser", [one, other], Answer((2,)))


@pytest.mark.slow
def test_everything_random_at_once_reads_back(store: Store, study: str):
    chance = random.Random(0)
    said = {}
    for _ in range(5):
        survey = api.begin_survey(store, study, chance.choice("xy")).survey
        for trial in survey.trials:
            answer = Answer(tuple(sorted(chance.sample(range(3), chance.randint(0, 3)))))
            api.record_answer(store, study, survey.id, trial.id, answer, chance.randint(0, 9999))
            said[trial.id] = answer
    assert {vote.trial.id: vote.answer for vote in api.answers_of(store, study)} == said


COUNTED = AnswerRule("pick", "varied", attribute="background", counts=True, confidence=True)


def test_counts_and_confidence_come_back_from_the_table_and_from_the_shard(store: Store):
    study = opened_study(store, size=3, compare="sets", answer=COUNTED, pictures=Pictures(6, 3), groups=("x",)).id
    begun = api.begin_survey(store, study)
    survey, trial = begun.survey.id, begun.survey.trials[0].id
    said = Answer((1,), "", (3, 2), "sure")
    with pytest.raises(InputError, match="each of the 2 sets"):
        api.record_answer(store, study, survey, trial, Answer((1,)), 5)
    assert api.record_answer(store, study, survey, trial, said, 5)
    assert not api.record_answer(store, study, survey, trial, said, 5)
    with pytest.raises(InputError, match="answered differently"):
        api.record_answer(store, study, survey, trial, replace(said, counts=(3, 1)), 5)
    changed = replace(said, confidence="guessing")
    assert api.record_answer(store, study, survey, trial, changed, 7, 1)
    assert [vote.answer for vote in api.answers_of(store, study)] == [changed]
    with store.transaction() as cursor:
        cursor.execute("DELETE FROM votes").fetchall()
    assert ingest_votes(store) == 2
    assert [vote.answer for vote in api.answers_of(store, study)] == [changed]
    assert api.withdraw(store, study, begun.code) == 1
    assert "guessing" not in vote_log.shard_of(store.home, study).read_text()


def test_answers_of_other_studies_are_lines_as_ever(store: Store, study: str):
    survey = api.begin_survey(store, study, "x").survey
    api.record_answer(store, study, survey.id, survey.trials[0].id, Answer((0,)), 5)
    assert not {"counts", "confidence"} & set(lines(store, study)[1])
    assert not {"counts", "confidence"} & set(lines(store, study)[0]["trials"][0])
