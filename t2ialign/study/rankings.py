"""Strengths from rankings: Plackett and Luce, who take a ranking for a chain of first choices among what is left.

Fitted by choix (Maystre and Grossglauser, 2015); the covariance is the sandwich of its gradients over raters. Rankings
of the best few only say nothing about the order of the rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product

import numpy as np
from scipy.sparse.csgraph import connected_components

from t2ialign.study.records import Vote, real
from t2ialign.study.strengths import FEWEST_RATERS, UNBOUNDED, Strengths, duels_of, ordered, quantile_for
from t2ialign.types import InputError

Stage = tuple[int, tuple[int, ...]]  # a first choice and what it was preferred to, as places among the names
EVEN = 0.5  # weight, as a penalty on squared log-strengths, where no finite estimate exists


def ranking_strengths(votes: Sequence[Vote]) -> Strengths:
    """Plackett-Luce strengths of a study whose answers are rankings. ``InputError`` where there is none yet."""
    import choix

    chains = [(vote.survey, chain) for vote in real(votes) for chain in _chains(vote)]
    if not chains:
        raise InputError("There are no rankings yet, so there are no strengths.")
    names = sorted({name for _, chain in chains for name in chain})
    place = {name: index for index, name in enumerate(names)}
    stages: dict[str, list[Stage]] = defaultdict(list)
    for survey, (winner, *losers) in chains:
        stages[survey].append((place[winner], tuple(place[loser] for loser in losers)))
    everything = [stage for given in stages.values() for stage in given]
    whole = _linked(everything, len(names))
    penalty = 0.0 if whole else EVEN
    fit = choix.ilsr_top1 if whole else partial(choix.opt_top1, alpha=EVEN)
    values = fit(len(names), everything)
    clustered = len(stages) >= FEWEST_RATERS
    covariance = _covariance(stages, values, penalty, clustered)
    raters, note = (len(stages) if clustered else 0), ("" if whole else UNBOUNDED)
    values = values - values.mean()
    pairs = list(duels_of(votes))
    return ordered(names, values, covariance, pairs, "Plackett-Luce", 0.0, raters, quantile_for(raters), note)


def _chains(vote: Vote) -> Iterator[tuple[str, ...]]:
    """First choices: the winner, then everything it was preferred to. Shared pictures stand for each contender in turn."""
    shown = [exhibit.contenders for exhibit in vote.trial.shown]
    rest = [place for place in range(len(shown)) if place not in vote.answer.chosen]
    for rank, place in enumerate(vote.answer.chosen):
        below = [*vote.answer.chosen[rank + 1 :], *rest]
        if below:
            for names in product(shown[place], *(shown[loser] for loser in below)):
                if len(set(names)) == len(names):
                    yield names


def _linked(stages: Sequence[Stage], n: int) -> bool:
    beats = np.zeros((n, n))
    for winner, losers in stages:
        beats[winner, losers] = 1
    return connected_components(beats, connection="strong")[0] == 1


def _covariance(stages: dict[str, list[Stage]], values: np.ndarray, penalty: float, clustered: bool) -> np.ndarray:
    """Inverse information, between two copies of which the raters' gradients stand where there are enough of them."""
    from choix.opt import Top1Fcts

    everything = [stage for given in stages.values() for stage in given]
    information = Top1Fcts(everything, penalty).hessian(values)
    inverse = np.linalg.pinv(information, rcond=1e-9, hermitian=True)
    if not clustered:
        return inverse
    gradients = np.array([Top1Fcts(given, 0.0).gradient(values) for given in stages.values()])
    spread = gradients.T @ gradients * len(stages) / (len(stages) - 1)
    return inverse @ spread @ inverse
