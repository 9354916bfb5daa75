"""Surveys and votes: rows in the store and, in the same breath, lines of the study's append-only shard.

A vote's id is the content hash of survey, round and revision, so writing twice is writing once; the row and the line
are both on disk before ``record_answer`` returns. No name, address, cookie or user agent is kept: a survey is a random
number, and its withdraw code is known to the rater alone (the store has its hash).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from t2ialign.store import vote_rows as rows
from t2ialign.store.connection import Cursor
from t2ialign.store.database import Store
from t2ialign.store.studies import QUICK, QUICK_TITLE, Study, check_pictures, insert_study, log, parsed, state_of
from t2ialign.store.vote_pairs import labelled_from_votes as labelled_from_votes
from t2ialign.store.vote_pairs import pairs_from_votes as pairs_from_votes
from t2ialign.store.vote_queries import answers_of as answers_of
from t2ialign.store.vote_queries import count_answers as count_answers
from t2ialign.store.vote_queries import list_surveys as list_surveys
from t2ialign.store.vote_queries import survey_of as survey_of
from t2ialign.store.vote_queries import unknown_survey
from t2ialign.study.answers import Answer
from t2ialign.study.manifest import Exhibit
from t2ialign.study.records import Survey
from t2ialign.study.trials import Trial, draw, draw_on
from t2ialign.types import InputError, content_key

CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
MAX_REVISION = 50
LONGEST_SITTING = 1000  # rounds of one survey in an arena
LONGEST = 7 * 24 * 3600 * 1000  # ms
NOT_OPEN = {
    "draft": "This study has not been opened yet.",
    "paused": "This study is paused: nothing was saved; your earlier answers are safe, come back later.",
    "closed": "This study is closed and takes no more answers: thank you for your interest.",
}


@dataclass(frozen=True)
class Begun:
    """A new survey, and the code that withdraws it: shown to the rater, kept in their browser, never stored here."""

    survey: Survey
    code: str


def begin_survey(store: Store, study: str, group: str = "") -> Begun:
    """Start a survey with its rounds drawn; ``group`` may be left out where the study has one only.

    Raises:
        InputError: the study is not open, or has no such group.
    """
    survey, code = secrets.token_hex(16), "".join(secrets.choice(CODE_LETTERS) for _ in range(12))
    created = datetime.now(UTC)
    with store.transaction() as cursor:
        _check_open(state_of(cursor, study))
        ((text, frozen),) = cursor.execute("SELECT manifest, hash FROM studies WHERE study = ?", [study]).fetchall()
        manifest = parsed(text, frozen)
        groups = manifest.design.groups
        group = group or (groups[0] if len(groups) == 1 else "")
        if group not in groups:
            raise InputError(f"Say which you are: {', '.join(groups)}.")
        drawn = rows.drawn(cursor, study)
        endless, rounds = manifest.design.endless, manifest.design.rounds
        trials = draw_on(manifest, survey, (), rounds, drawn) if endless else draw(manifest, survey, drawn)
        record = rows.survey_record(Survey(survey, study, group, trials, created), _code_hash(code))
        rows.keep(store.home, cursor, study, [record])
    return Begun(Survey(survey, study, group, trials, created), code)


def go_on(store: Store, study: str, survey: str) -> Survey:
    """A survey of an arena with as many further rounds as it began with, once fewer than half of those wait for answers.

    No further ones where the pictures have run out. ``InputError``: the study is not open or no arena, or an unknown survey.
    """
    found = survey_of(store, study, survey)
    with store.transaction() as cursor:
        _check_open(state_of(cursor, study))
        ((text, frozen),) = cursor.execute("SELECT manifest, hash FROM studies WHERE study = ?", [study]).fetchall()
        manifest = parsed(text, frozen)
        if not manifest.design.endless:
            raise InputError("Only an arena goes on: this survey has all its rounds.")
        seen, waiting, code = _sitting(cursor, survey)
        more: tuple[Trial, ...] = ()
        if waiting <= manifest.design.rounds // 2 and len(seen) < LONGEST_SITTING:
            more = draw_on(manifest, survey, seen, manifest.design.rounds, rows.drawn(cursor, study))
        if more:
            rows.keep(store.home, cursor, study, [rows.survey_record(replace(found, trials=more), code)])
    return replace(found, trials=(*seen, *more))


def _sitting(cursor: Cursor, survey: str) -> tuple[tuple[Trial, ...], int, str]:
    """A survey's rounds as they are now, how many of them wait for an answer, and the hash of its withdraw code."""
    sql = "SELECT trial, record FROM trials WHERE survey = ? ORDER BY place"
    known = cursor.execute(sql, [survey]).fetchall()
    answered = set(cursor.execute("SELECT DISTINCT trial FROM votes WHERE survey = ?", [survey]).fetchall())
    ((code,),) = cursor.execute("SELECT code FROM surveys WHERE survey = ?", [survey]).fetchall()
    return tuple(rows.trial_of(text) for _, text in known), sum((trial,) not in answered for trial, _ in known), code


def record_answer(
    store: Store, study: str, survey: str, trial: str, answer: Answer, milliseconds: int, revision: int = 0
) -> bool:
    """Keep an answer; True where it is new, False where this very answer was kept before. On return it is on disk.

    Going back and answering anew is ``revision`` 1, 2...: the newest counts, the earlier ones stay on record.

    Raises:
        InputError: the study is not open; an unknown survey or round; a round answered before with something else; an
            answer that the round does not offer; a picture that is not what was frozen.
    """
    if not isinstance(milliseconds, int) or not 0 <= milliseconds <= LONGEST:
        raise InputError("A response time is a whole number of milliseconds, at most a week.")
    shown = _trial_of(store, study, survey, trial)
    answer = shown.checked(answer)
    check_pictures(store, sorted({sha for exhibit in shown.shown for sha in exhibit.pictures}))
    with store.transaction() as cursor:
        _check_open(state_of(cursor, study))
        if not _is_new(cursor, survey, trial, answer, revision):
            return False
        record = rows.vote_record(study, survey, trial, revision, answer, milliseconds, datetime.now(UTC))
        rows.keep(store.home, cursor, study, [record])
    return True


def withdraw(store: Store, study: str, code: str) -> int:
    """Delete a survey by its rater's code, from the tables and from the shard; returns how many answers that were.

    Works in every state of the study. ``InputError`` for a code that fits no survey.
    """
    with store.transaction() as cursor:
        state_of(cursor, study)
        sql = "SELECT survey FROM surveys WHERE study = ? AND code = ?"
        found = cursor.execute(sql, [study, _code_hash(code)]).fetchall()
        if not found:
            raise InputError("This code fits no survey of this study: check it, or it has been withdrawn already.")
        ((survey,),) = found
        sql = "SELECT count(DISTINCT trial) FROM votes WHERE survey = ?"
        ((count,),) = cursor.execute(sql, [survey]).fetchall()
        rows.keep(store.home, cursor, study, [{"kind": "withdrawn", "study": study, "survey": survey}])
        rows.forget(store.home, study, [survey])
        log(cursor, study, "a survey was withdrawn by its rater")
    return int(count)


def record_quick(store: Store, session: str, shown: Sequence[Exhibit], answer: Answer) -> bool:
    """A quick vote from Explore: a thumb (one exhibit; ``chosen`` (0,) is up, () is down) or one of two.

    ``session`` is a random id of the browser. Marked as not blind. A changed mind counts as a revision; False where the
    same was said before.
    """
    if not session or not 1 <= len(shown) <= 2 or len({exhibit.prompt for exhibit in shown}) != 1:
        raise InputError("A quick vote is about one picture, or about two of the same prompt.")
    if len({exhibit.pictures for exhibit in shown}) != len(shown):
        raise InputError("These two pictures are the very same, so neither can be preferred to the other.")
    survey = content_key(["quick", session])
    trial = Trial(
        content_key([survey, sorted(exhibit.pictures for exhibit in shown)]),
        0,
        shown[0].prompt,
        "",
        tuple(sorted(shown, key=lambda exhibit: exhibit.pictures)),
        "select" if len(shown) == 1 else "pick",
        1,
    )
    moved = tuple(trial.shown.index(shown[place]) for place in answer.chosen if 0 <= place < len(shown))
    answer = trial.checked(Answer(moved if len(moved) == len(answer.chosen) else answer.chosen, answer.verdict))
    created = datetime.now(UTC)
    with store.transaction() as cursor:
        insert_study(cursor, Study(QUICK, QUICK_TITLE, "open", created, None, blind=False), "")
        revision = _next_revision(cursor, trial.id, answer)
        if revision < 0:
            return False
        sitting = rows.survey_record(Survey(survey, QUICK, "explore", (trial,), created), "")
        vote = rows.vote_record(QUICK, survey, trial.id, revision, answer, 0, created, blind=False)
        rows.keep(store.home, cursor, QUICK, [sitting, vote])
    return True


def _check_open(state: str) -> None:
    if state != "open":
        raise InputError(NOT_OPEN[state])


def _code_hash(code: str) -> str:
    """People may type a code in small letters, with spaces or dashes."""
    plain = "".join(letter for letter in code.upper() if letter.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()


def _trial_of(store: Store, study: str, survey: str, trial: str) -> Trial:
    """A round of a survey; ``InputError`` tells an unknown survey from a round that it does not have."""
    sql = "SELECT trial, record FROM trials WHERE study = ? AND survey = ?"
    rounds = dict(store.rows(sql, [study, survey]))
    if not rounds:
        raise InputError(unknown_survey())
    if trial not in rounds:
        raise InputError("This survey has no such round: reload the page to go on where you were.")
    return rows.trial_of(rounds[trial])


def _is_new(cursor: Cursor, survey: str, trial: str, answer: Answer, revision: int) -> bool:
    """Whether this revision of an answer is to be written; ``InputError`` where another one stands in its place."""
    sql = "SELECT revision, chosen, verdict, counts, confidence FROM votes WHERE survey = ? AND trial = ?"
    known = {
        number: Answer(tuple(chosen), verdict, tuple(counts), confidence)
        for number, chosen, verdict, counts, confidence in cursor.execute(sql, [survey, trial]).fetchall()
    }
    if revision in known:
        if known[revision] != answer:
            raise InputError("This round has been answered differently before: go back to it to change your answer.")
        return False
    if not isinstance(revision, int) or revision != len(known) or revision > MAX_REVISION:
        raise InputError("This change of an answer does not follow the last one: reload the page.")
    return True


def _next_revision(cursor: Cursor, trial: str, answer: Answer) -> int:
    """The number of the next change of a quick vote, or -1 where the same was said last."""
    sql = "SELECT revision, chosen, verdict FROM votes WHERE trial = ? ORDER BY revision DESC LIMIT 1"
    for revision, chosen, verdict in cursor.execute(sql, [trial]).fetchall():
        return -1 if Answer(tuple(chosen), verdict) == answer else revision + 1
    return 0
