"""Everything that a study's votes say, in one frozen record: with exclusions applied, or without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from t2ialign.study.agreement import Agreement, agreement, ratings_of
from t2ialign.study.behaviour import (
    Attention,
    PositionBias,
    ResponseTimes,
    attention,
    position_bias,
    response_times,
)
from t2ialign.study.contested import Contested, contested
from t2ialign.study.exclusion import Rule, excluded
from t2ialign.study.head_to_head import HeadToHead, head_to_head
from t2ialign.study.power import Separation, separations
from t2ialign.study.rankings import ranking_strengths
from t2ialign.study.records import Vote, real
from t2ialign.study.selection import Pattern, Rate, answer_patterns, selection_rates
from t2ialign.study.strengths import Strengths, duels_of, strengths
from t2ialign.types import InputError


@dataclass(frozen=True)
class VoteResults:
    """``answers`` are rounds answered, attention checks left out; ``excluded`` says which surveys were, and by what rule.

    ``pairs`` are contenders head to head, ``contested`` what votes were most even on. ``attention`` counts every survey, the
    excluded too. What cannot be computed yet is None, with its sentence in ``notes``.
    """

    answers: int
    surveys: int
    excluded: tuple[tuple[str, Rule], ...]
    rates: tuple[Rate, ...]
    patterns: tuple[Pattern, ...]
    strengths: Strengths | None
    separations: tuple[Separation, ...]
    pairs: tuple[HeadToHead, ...]
    contested: tuple[Contested, ...]
    agreement: Agreement | None
    positions: PositionBias
    times: ResponseTimes
    attention: Attention
    notes: tuple[str, ...]


def results(votes: Sequence[Vote], rules: Sequence[Rule] = (), group: str = "") -> VoteResults:
    """The statistics of a study's votes; ``group`` restricts them to one group of raters."""
    everything = [vote for vote in votes if group in ("", vote.group)]
    out = excluded(everything, rules)
    kept = [vote for vote in everything if vote.survey not in out]
    answers, notes = len(real(kept)), []
    found, agreed = None, None
    try:
        found = study_strengths(kept)
        notes += [found.note] if found.note else []
    except InputError as error:
        notes.append(str(error))
    try:
        agreed = agreement(ratings_of(kept))
        notes += [agreed.note] if agreed.note else []
    except InputError as error:
        notes.append(str(error))
    return VoteResults(
        answers=answers,
        surveys=len({vote.survey for vote in kept}),
        excluded=tuple(out.items()),
        rates=tuple(selection_rates(kept)),
        patterns=tuple(answer_patterns(kept)),
        strengths=found,
        separations=tuple(separations(found, answers)) if found else (),
        pairs=tuple(head_to_head(kept)),
        contested=tuple(contested(kept)),
        agreement=agreed,
        positions=position_bias(kept),
        times=response_times(kept),
        attention=attention(everything),
        notes=tuple(notes),
    )


def study_strengths(votes: Sequence[Vote]) -> Strengths:
    """Plackett-Luce for rankings, Bradley-Terry or Davidson for everything else. ``InputError`` where nothing is known."""
    kinds = {vote.trial.kind for vote in real(votes)}
    return ranking_strengths(votes) if kinds == {"rank"} else strengths(duels_of(votes))
