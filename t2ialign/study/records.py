"""What a study collects: surveys, and the votes in them. The statistics of this package read nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from t2ialign.codec import IF_SAID
from t2ialign.study.answers import Answer
from t2ialign.study.trials import Trial
from t2ialign.types import content_key


@dataclass(frozen=True)
class Survey:
    """One sitting of one unknown person. ``id`` is random and secret: whoever knows it may answer."""

    id: str
    study: str
    group: str
    trials: tuple[Trial, ...]
    created: datetime

    def trial(self, trial: str) -> Trial | None:
        """The round of this id, if the survey has it."""
        return next((found for found in self.trials if found.id == trial), None)


@dataclass(frozen=True)
class Vote:
    """The answer to one round, the newest where the rater went back. ``blind``: nobody was told who made what.

    ``milliseconds`` is from showing to answering. ``revision`` counts the changes of mind.
    """

    id: str
    study: str
    survey: str
    group: str
    trial: Trial
    answer: Answer
    milliseconds: int
    created: datetime
    revision: int = 0
    blind: bool = True


@dataclass(frozen=True)
class VotesRecord:
    """Which votes something was made of: the study with its title and its manifest's hash, the rater group ("" = all).

    ``answers`` of ``surveys`` count, ``surveys_excluded`` were left out by rule. None = nobody has said so.
    """

    study: str | None = field(default=None, metadata=IF_SAID)
    title: str | None = field(default=None, metadata=IF_SAID)
    manifest: str | None = field(default=None, metadata=IF_SAID)
    group: str | None = field(default=None, metadata=IF_SAID)
    answers: int | None = field(default=None, metadata=IF_SAID)
    surveys: int | None = field(default=None, metadata=IF_SAID)
    surveys_excluded: int | None = field(default=None, metadata=IF_SAID)
    blind: bool | None = field(default=None, metadata=IF_SAID)


def public_survey(survey: str) -> str:
    """A survey's name for the outside: the id itself is its rater's key, and stays here."""
    return content_key(["public", survey])


def real(votes: Sequence[Vote]) -> list[Vote]:
    """The votes on real rounds: attention checks say something about raters, nothing about contenders."""
    return [vote for vote in votes if not vote.trial.check]
