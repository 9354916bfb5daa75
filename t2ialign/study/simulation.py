"""Raters made of numbers: given what each exhibit is worth to them, how would they answer? For tests and demonstrations.

Two are compared with Bradley-Terry's chances (Davidson's where they may tie), rankings follow Plackett and Luce, and a
picture is selected with chance sigmoid(worth - bar).
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from t2ialign.study.answers import Answer
from t2ialign.study.trials import Trial

DECOY = -12.0  # what a decoy is worth to somebody who looks


@dataclass(frozen=True)
class Rater:
    """``tie`` is Davidson's v; ``bar`` what a picture must be worth to be selected half the time.

    ``careless`` raters answer at random and fast; ``first`` is how much better the first position looks to this rater.
    """

    tie: float = 0.0
    bar: float = 0.0
    first: float = 0.0
    careless: bool = False


def answer_of(trial: Trial, worth: Sequence[float], rater: Rater, chance: random.Random) -> Answer:
    """One answer; ``worth`` holds a log-strength for each position."""
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
