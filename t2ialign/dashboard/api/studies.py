"""The endpoint about preference studies; taking part has its own (``rate_look`` and so on)."""

from __future__ import annotations

from dataclasses import dataclass

from t2ialign.dashboard.api.endpoint import Call, said
from t2ialign.dashboard.api.records import Share, StudyAnswer, StudyLine
from t2ialign.store.studies import list_studies
from t2ialign.store.votes import count_answers
from t2ialign.use_cases.studies.results import study_results


@dataclass(frozen=True)
class AskStudy:
    """Parameters of `study`: which study."""

    id: str = said("The study's id; empty: a list of all.", "")
    group: str = said("Only this group of raters; empty: everybody.", "")


def study(call: Call, asked: AskStudy) -> StudyAnswer:
    """All studies, or what the answers of one say so far."""
    store = call.services.store
    if not asked.id:
        found = list_studies(store, quick=True)
        return StudyAnswer(
            tuple(StudyLine(one.id, one.title, one.state, count_answers(store, one.id)) for one in found)
        )
    results = study_results(store, asked.id, asked.group).results
    shares = tuple(
        Share(one.contender, one.category, one.group, one.share.mean, one.share.lo, one.share.hi, one.shown)
        for one in results.rates
    )
    sentences = tuple(one.sentence for one in results.separations)
    return StudyAnswer((), results.answers, results.surveys, shares, sentences, results.notes)
