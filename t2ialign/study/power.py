"""How many more answers would separate two contenders? The z-test's power, by statsmodels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from t2ialign.study.strengths import Strengths
from t2ialign.tradeoff.interval import CONFIDENCE
from t2ialign.types import Interval

POWER = 0.8
TOO_MANY = 100_000


@dataclass(frozen=True)
class Separation:
    """Two neighbours in the order of strength. ``more``: answers still needed, 0 = separated, None = practically equal."""

    stronger: str
    weaker: str
    difference: Interval
    more: int | None

    @property
    def sentence(self) -> str:
        if self.more == 0:
            return f"{self.stronger} is stronger than {self.weaker}."
        if self.more is None:
            return f"{self.stronger} and {self.weaker} look equal so far; if they are, no number of answers separates them."
        return f"About {self.more} more answers to separate {self.stronger} and {self.weaker}."


def separations(strengths: Strengths, answers: int) -> list[Separation]:
    """Each contender and the next weaker one; ``answers`` are those that the strengths rest on."""
    names = [contender.name for contender in strengths.contenders]
    return [_separation(strengths, one, other, answers) for one, other in pairwise(names)]


def _separation(strengths: Strengths, one: str, other: str, answers: int) -> Separation:
    gap = strengths.difference(one, other)
    if gap.lo > 0:
        return Separation(one, other, gap, 0)
    error = (gap.hi - gap.mean) / strengths.quantile
    return Separation(one, other, gap, more_answers(gap.mean, error, answers))


def more_answers(difference: float, error: float, answers: int) -> int | None:
    """Answers to add so that a true difference of this size shows at 95 % with a power of 80 %.

    ``error`` is the standard error that ``answers`` answers gave; it falls with their square root.
    """
    from statsmodels.stats.power import NormalIndPower

    effect = difference / (error * math.sqrt(answers)) if error > 0 and answers else 0.0
    if effect <= math.sqrt(8 / TOO_MANY):
        return None
    wanted = NormalIndPower().solve_power(effect, alpha=1 - CONFIDENCE, power=POWER, ratio=0)
    more = max(math.ceil(float(wanted)) - answers, 1)
    return more if more <= TOO_MANY else None
