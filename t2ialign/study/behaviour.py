"""How raters went about it: position bias, response times, attention checks. None of it is about the contenders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from t2ialign.study.exclusion import failed_checks
from t2ialign.study.records import Vote, real
from t2ialign.study.shares import difference_is_chance, share
from t2ialign.types import Interval


@dataclass(frozen=True)
class PositionBias:
    """How often each position was chosen, and the p-value of the hypothesis that position does not matter."""

    shares: tuple[Interval, ...]
    shown: tuple[int, ...]
    p_value: float


@dataclass(frozen=True)
class ResponseTimes:
    """Seconds to an answer: the 5, 25, 50, 75 and 95 % quantiles, and each survey's median in the order of surveys."""

    quantiles: tuple[float, ...]
    surveys: tuple[float, ...]


@dataclass(frozen=True)
class Attention:
    """Attention checks answered and failed, and the surveys with at least one failure."""

    answered: int
    failed: int
    surveys: tuple[str, ...]


def position_bias(votes: Sequence[Vote]) -> PositionBias:
    """Chosen (selected, picked, ranked first) by position on the screen."""
    hits: dict[int, list[tuple[str, str, float]]] = defaultdict(list)
    for vote in real(votes):
        best = vote.answer.chosen[:1] if vote.trial.kind == "rank" else vote.answer.chosen
        for place in range(len(vote.trial.shown)):
            hits[place].append((vote.survey, vote.trial.prompt, float(place in best)))
    places = sorted(hits)
    chosen = [sum(hit for *_, hit in hits[place]) for place in places]
    shown = [len(hits[place]) for place in places]
    table = np.array([chosen, [n - hit for n, hit in zip(shown, chosen)]]) if places else np.empty((0, 0))
    return PositionBias(tuple(share(hits[place]) for place in places), tuple(shown), difference_is_chance(table))


def response_times(votes: Sequence[Vote]) -> ResponseTimes:
    """Times of real rounds; empty where there are none."""
    times: Mapping[str, list[float]] = defaultdict(list)
    for vote in real(votes):
        times[vote.survey].append(vote.milliseconds / 1000)
    everything = [seconds for survey in times.values() for seconds in survey]
    if not everything:
        return ResponseTimes((), ())
    quantiles = np.quantile(everything, [0.05, 0.25, 0.5, 0.75, 0.95])
    return ResponseTimes(tuple(map(float, quantiles)), tuple(float(np.median(survey)) for survey in times.values()))


def attention(votes: Sequence[Vote]) -> Attention:
    """How the attention checks went."""
    checks = [vote for vote in votes if vote.trial.check == "decoy"]
    failed = [vote for vote in checks if failed_checks([vote])]
    return Attention(len(checks), len(failed), tuple(dict.fromkeys(vote.survey for vote in failed)))
