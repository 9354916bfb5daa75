"""An arena's leaderboard: Bradley-Terry strengths on the scale that readers of arenas know, and who won how often."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from t2ialign.study.records import Vote
from t2ialign.study.results import study_strengths
from t2ialign.types import Interval

MIDDLE, DECADE = 1000.0, 400.0  # points of the mean contender; points that make odds of 10 to 1, as in chess


@dataclass(frozen=True)
class Standing:
    """One line: a contender's points with their 95 % interval, and how its comparisons ended."""

    name: str
    points: Interval
    wins: int
    losses: int
    ties: int


@dataclass(frozen=True)
class Leaderboard:
    """The contenders, the strongest first; ``note`` is what is to be known of the intervals."""

    standings: tuple[Standing, ...]
    votes: int
    note: str = ""


def leaderboard(votes: Sequence[Vote]) -> Leaderboard:
    """Where everybody stands. ``InputError`` while nothing is known: no votes, or ties alone."""
    found = study_strengths(votes)
    lines = tuple(Standing(one.name, _points(one.strength), one.wins, one.losses, one.ties) for one in found.contenders)
    return Leaderboard(lines, found.votes, found.note)


def _points(strength: Interval) -> Interval:
    """Log-odds as points."""
    return Interval(*(MIDDLE + DECADE / math.log(10) * value for value in (strength.mean, strength.lo, strength.hi)))
