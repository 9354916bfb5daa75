"""An arena: after each answer its rater is told who made what, rounds go on, and everybody sees where the contenders stand.

Blind all the same: a picture is never shown again to whoever was told who made it, and an answer stays as it was given.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from t2ialign.codec import encode
from t2ialign.dashboard.rate import handlers
from t2ialign.store import Store
from t2ialign.store.studies import exclusions, study_of
from t2ialign.store.vote_queries import answers_of, count_answers
from t2ialign.store.votes import go_on
from t2ialign.study.arena import Leaderboard, leaderboard
from t2ialign.study.exclusion import Rule, excluded
from t2ialign.study.records import real
from t2ialign.types import InputError

NONE_YET = "Nobody has preferred one to another yet."


def more(store: Store, study: Any, survey: Any) -> handlers.Record:
    """The rounds of a survey that wait for an answer, further ones among them; none once all pictures were seen."""
    study, survey = handlers.text(study, "study"), handlers.text(survey, "survey")
    if survey.startswith(handlers.PREVIEW):
        return {"rounds": []}
    return {"rounds": handlers.waiting(store, go_on(store, study, survey))}


def standings(store: Store, study: Any) -> handlers.Record:
    """An arena's leaderboard; ``InputError`` for any other study, whose results are its owner's."""
    study = handlers.text(study, "study")
    found = study_of(store, study)
    if found.state == "draft" or not found.designed.endless:
        raise InputError("Only an arena shows where its contenders stand.")
    rules = exclusions(store, study)
    return {"title": found.title, **encode(_leaderboard(store, study, count_answers(store, study), rules))}


@lru_cache(maxsize=16)
def _leaderboard(store: Store, study: str, answers: int, rules: tuple[Rule, ...]) -> Leaderboard:
    """Computed anew whenever there are more answers (or fewer), or other rules."""
    votes = answers_of(store, study)
    out = excluded(votes, rules)
    kept = [vote for vote in real(votes) if vote.survey not in out]
    try:
        return leaderboard(kept)
    except InputError:
        return Leaderboard((), len(kept), NONE_YET)
