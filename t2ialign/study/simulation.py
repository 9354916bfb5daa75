"""Raters made of numbers: given what each exhibit is worth to them, how would they answer? For tests and demonstrations.

Two are compared with Bradley-Terry's chances (Davidson's where they may tie), rankings follow Plackett and Luce, and a
picture is selected with chance sigmoid(worth - bar). Where kinds are counted, a count is off by one with a fixed chance either
way, and by the rater's habit; how sure a rater is follows how far apart the two are worth.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from t2ialign.study.answers import SURENESS, Answer
from t2ialign.study.trials import Trial

DECOY = -12.0  # what a decoy is worth to somebody who looks
SURE_FROM = (1.0, 2.5)  # differences in worth (log-odds) from which raters are fairly sure, and sure
FELT = 0.5  # standard deviation of how far apart the two feel about how far apart they are


@dataclass(frozen=True)
class Rater:
    """``tie`` is Davidson's v; ``bar`` what a picture must be worth to be selected half the time.

    ``careless`` raters answer at random and fast; ``first`` is how much better the first position looks to this rater.
    ``miscount`` is the chance that a count is one too low, and the same that it is one too high; ``habit`` is how many kinds
    more this rater sees in any set with more than one.
    """

    tie: float = 0.0
    bar: float = 0.0
    first: float = 0.0
    careless: bool = False
    miscount: float = 0.15
    habit: float = 0.0


def answer_of(
    trial: Trial, worth: Sequence[float], rater: Rater, chance: random.Random, kinds: Sequence[int] = ()
) -> Answer:
    """One answer; by position ``worth`` holds log-strengths, and ``kinds`` how many there truly are, where they are counted."""
    said = _compared(trial, worth, rater, chance)
    counts = tuple(
        _count(trial, place, kinds[place], rater, chance) for place in range(len(trial.shown)) if trial.counts
    )
    return replace(said, counts=counts, confidence=_sure(trial, worth, rater, chance) if trial.confidence else "")


def _count(trial: Trial, place: int, kinds: int, rater: Rater, chance: random.Random) -> int:
    """How many kinds this rater sees; a repeated picture shows one to whoever looks."""
    exhibit, size = trial.shown[place], len(trial.shown[place].pictures)
    if rater.careless:
        return chance.randint(1, size)
    if exhibit.is_decoy:
        return 1
    slip = chance.choices((-1, 0, 1), (rater.miscount, 1 - 2 * rater.miscount, rater.miscount))[0]
    seen = kinds + slip + (math.floor(rater.habit + chance.random()) if kinds > 1 else 0)
    return min(max(seen, 1), size)


def _sure(trial: Trial, worth: Sequence[float], rater: Rater, chance: random.Random) -> str:
    """How sure this rater is of which of the two it is."""
    if rater.careless:
        return chance.choice(SURENESS)
    left, right = (DECOY if exhibit.is_decoy else value for exhibit, value in zip(trial.shown, worth))
    felt = abs(left - right) + chance.gauss(0, FELT)
    return SURENESS[sum(felt >= least for least in SURE_FROM)]


def _compared(trial: Trial, worth: Sequence[float], rater: Rater, chance: random.Random) -> Answer:
    """What is selected, picked or put in order."""
    known = [DECOY if exhibit.is_decoy else value for exhibit, value in zip(trial.shown, worth)]
    values = [0.0] * len(known) if rater.careless else [known[0] + rater.first, *known[1:]]
    if trial.kind == "select":
        bar = 0.0 if rater.careless else rater.bar
        liked = [place for place, value in enumerate(values) if chance.random() < sigmoid(value - bar)]
        return Answer(tuple(sorted(chance.sample(liked, min(len(liked), trial.most)))))
    if trial.kind == "rank":
        noisy = [value - math.log(-math.log(chance.random() or 0.5)) for value in values]
        return Answer(tuple(sorted(range(len(values)), key=lambda place: -noisy[place])[: trial.most]))
    left, right = values
    weights = [1.0, math.exp(right - left), rater.tie * math.exp((right - left) / 2)]
    (said,) = chance.choices([Answer((0,)), Answer((1,)), Answer((), "tie")], weights)
    return said


def milliseconds_of(rater: Rater, chance: random.Random) -> int:
    """A response time: log-normal about 6 s, or half a second without looking."""
    return round(chance.lognormvariate(math.log(500 if rater.careless else 6000), 0.5))


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value > -500 else 0.0
