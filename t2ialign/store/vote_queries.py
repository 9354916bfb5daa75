"""Reading surveys and votes back."""

from __future__ import annotations

from datetime import UTC

from t2ialign.store.database import Store
from t2ialign.store.vote_rows import trial_of
from t2ialign.study.answers import Answer
from t2ialign.study.records import Survey, Vote
from t2ialign.types import InputError


def survey_of(store: Store, study: str, survey: str) -> Survey:
    """A survey by its id; ``InputError`` if this study has none such (or it was withdrawn)."""
    found = list_surveys(store, study, survey)
    if not found:
        raise InputError(unknown_survey())
    return found[0]


def list_surveys(store: Store, study: str, survey: str = "") -> list[Survey]:
    """The surveys of a study, oldest first; only one of them with ``survey``."""
    sql = """
        SELECT survey, rater_group, created, list(record ORDER BY place)
        FROM surveys JOIN trials USING (study, survey)
        WHERE study = $study AND $survey IN ('', survey) GROUP BY ALL ORDER BY created, survey
    """
    return [
        Survey(found, study, group, tuple(trial_of(text) for text in records), created.replace(tzinfo=UTC))
        for found, group, created, records in store.rows(sql, {"study": study, "survey": survey})
    ]


def answers_of(store: Store, study: str, survey: str = "") -> list[Vote]:
    """The votes of a study (or of one survey), the newest of each round, in the order of surveys and rounds."""
    sql = """
        SELECT vote, survey, rater_group, record, chosen, verdict, counts, confidence,
            milliseconds, votes.created, revision, votes.blind
        FROM votes JOIN surveys USING (study, survey) JOIN trials USING (study, survey, trial)
        WHERE study = $study AND $survey IN ('', survey)
        QUALIFY row_number() OVER (PARTITION BY trial ORDER BY revision DESC) = 1
        ORDER BY surveys.created, survey, place
    """
    return [
        Vote(
            vote,
            study,
            found,
            group,
            trial_of(record),
            Answer(tuple(chosen), verdict, tuple(counts), confidence),
            milliseconds,
            created.replace(tzinfo=UTC),
            revision,
            blind,
        )
        for (
            vote,
            found,
            group,
            record,
            chosen,
            verdict,
            counts,
            confidence,
            milliseconds,
            created,
            revision,
            blind,
        ) in store.rows(sql, {"study": study, "survey": survey})
    ]


def count_answers(store: Store, study: str) -> int:
    """How many rounds have been answered, attention checks left out."""
    sql = """
        SELECT count(DISTINCT trial) FROM votes JOIN trials USING (study, survey, trial)
        WHERE study = ? AND json_extract_string(record, 'check') = ''
    """
    ((count,),) = store.rows(sql, [study])
    return int(count)


def unknown_survey() -> str:
    return "This survey is not known here (perhaps it was withdrawn): open the study's link to start a new one."
