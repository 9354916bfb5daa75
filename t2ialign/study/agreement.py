"""Do raters agree? Krippendorff's alpha (Content Analysis, 2004, ch. 11), with a bootstrap interval.

How far apart two answers are is a matter of their level: ``nominal`` ones are the same or not, ``interval`` ones are as far
apart as (a - b)^2, ``ratio`` ones, as counts, as ((a - b) / (a + b))^2: 1 and 2 differ more than 7 and 8.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, NamedTuple, get_args

import numpy as np

from t2ialign.study.records import Vote, real
from t2ialign.tradeoff.interval import CONFIDENCE, RESAMPLES, SEED
from t2ialign.types import InputError, Interval

Level = Literal["nominal", "interval", "ratio"]


class Rating(NamedTuple):
    """One rater's answer about one unit."""

    unit: str
    rater: str
    answer: str


@dataclass(frozen=True)
class Agreement:
    """1 is perfect agreement, 0 what chance gives, below 0 systematic disagreement; NaN where it is undefined.

    ``units`` have at least two answers; the others, and their answers, say nothing about agreement. ``note`` explains
    what is NaN ("" = nothing is).
    """

    alpha: Interval
    units: int
    raters: int
    answers: int
    note: str = ""


def agreement(ratings: Iterable[Rating], level: str = "nominal") -> Agreement:
    """Alpha with a 95 % percentile bootstrap over units; above the nominal level answers are numbers.

    Raises:
        InputError: a rater answers about a unit twice, no unit has two answers, or answers are not of their level.
    """
    ratings = list(ratings)
    scale = _checked_level(ratings, level)
    twice = [key for key, count in Counter((rating.unit, rating.rater) for rating in ratings).items() if count > 1]
    if twice:
        unit, rater = twice[0]
        raise InputError(f"Rater {rater[:40]!r} answers about unit {unit[:40]!r} more than once: keep one answer each.")
    per_unit = Counter(rating.unit for rating in ratings)
    paired = [rating for rating in ratings if per_unit[rating.unit] > 1]
    if not paired:
        raise InputError("No unit was answered by two raters, so there is no agreement to measure.")
    counts, domain = _value_counts(paired, scale)
    raters = len({rating.rater for rating in paired})
    value, note = _alpha(counts, domain, scale), ""
    interval = Interval(value, math.nan, math.nan)
    if math.isnan(value):
        note = "Everybody gave the same answer everywhere: alpha is undefined."
    elif len(counts) > 1:
        interval = _bootstrap(counts, domain, scale, value)
    return Agreement(interval, len(counts), raters, len(paired), note)


def _checked_level(ratings: Sequence[Rating], level: str) -> Level:
    if level not in get_args(Level):
        raise InputError(f"The level of answers is {', '.join(get_args(Level))}, not {level[:40]!r}.")
    scale: Level = level  # type: ignore[assignment]  # just checked
    for rating in ratings if scale != "nominal" else ():
        number = _number(rating.answer)
        if not math.isfinite(number) or (scale == "ratio" and number < 0):
            what = "a number from 0 up" if scale == "ratio" else "a number"
            raise InputError(
                f"At the {scale} level an answer is {what}, and {rating.answer[:40]!r} about unit {rating.unit[:40]!r} "
                "is none: mend it, or choose the nominal level."
            )
    return scale


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def ratings_of(votes: Sequence[Vote]) -> Iterator[Rating]:
    """Ratings from a study's votes: of each picture, selected or not; or of each two shown together, the better one.

    A survey that met the same twice counts with the first answer.
    """
    seen = set()
    for vote in real(votes):
        for unit, answer in _units(vote):
            if (vote.survey, unit) not in seen:
                seen.add((vote.survey, unit))
                yield Rating(unit, vote.survey, answer)


def _units(vote: Vote) -> Iterator[tuple[str, str]]:
    names = [" ".join(exhibit.pictures) for exhibit in vote.trial.shown]
    chosen = vote.answer.chosen
    if vote.trial.kind == "select":
        for place, name in enumerate(names):
            yield f"{vote.trial.prompt} | {name}", "selected" if place in chosen else "not selected"
        return
    ranks = {place: rank for rank, place in enumerate(chosen)}
    for one, other in combinations(range(len(names)), 2):
        first, second = sorted((ranks.get(one, len(names)), ranks.get(other, len(names))))
        if first == second and vote.trial.kind == "rank":
            continue  # neither was ranked
        better = min((one, other), key=lambda place: ranks.get(place, len(names)))
        answer = names[better] if first != second else vote.answer.verdict
        yield f"{vote.trial.prompt} | {' | '.join(sorted((names[one], names[other])))}", answer


def _value_counts(ratings: Sequence[Rating], level: Level) -> tuple[np.ndarray, np.ndarray]:
    """How often each value was given, a row per unit; and the values, numbers above the nominal level."""
    units = {unit: row for row, unit in enumerate(dict.fromkeys(rating.unit for rating in ratings))}
    given = [rating.answer if level == "nominal" else _number(rating.answer) for rating in ratings]
    values = {value: column for column, value in enumerate(dict.fromkeys(given))}
    counts = np.zeros((len(units), len(values)))
    for rating, value in zip(ratings, given):
        counts[units[rating.unit], values[value]] += 1
    return counts, np.arange(len(values)) if level == "nominal" else np.array(list(values), dtype=float)


def _alpha(counts: np.ndarray, domain: np.ndarray, level: Level) -> float:
    """The library's alpha; NaN where only one value was ever given."""
    import krippendorff

    if (counts.sum(0) > 0).sum() < 2:
        return math.nan
    return float(krippendorff.alpha(value_counts=counts, value_domain=domain, level_of_measurement=level))


def _bootstrap(counts: np.ndarray, domain: np.ndarray, level: Level, value: float) -> Interval:
    draws = np.random.default_rng(SEED).integers(len(counts), size=(RESAMPLES // 2, len(counts)))
    tail = (1 - CONFIDENCE) / 2
    lo, hi = np.nanquantile([_alpha(counts[draw], domain, level) for draw in draws], [tail, 1 - tail])
    return Interval(value, float(lo), float(hi))
