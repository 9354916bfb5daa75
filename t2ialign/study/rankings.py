"""Strengths from rankings: Plackett and Luce, who take a ranking for a chain of first choices among what is left.

Fitted by choix (Maystre and Grossglauser, 2015); the covariance is the sandwich of its gradients over raters and prompts
(``clusters``). Rankings of the best few only say nothing about the order of the rest.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product

import numpy as np

from t2ialign.study.clusters import Clustered, clustered, unclustered
from t2ialign.study.records import Vote, real
from t2ialign.study.strengths import UNBOUNDED, Strengths, duels_of, ordered
from t2ialign.types import InputError

Stage = tuple[int, tuple[int, ...]]  # a first choice and what it was preferred to, as places among the names
EVEN = 0.5  # weight, as a penalty on squared log-strengths, where no finite estimate exists


def ranking_strengths(votes: Sequence[Vote]) -> Strengths:
    """Plackett-Luce strengths of a study whose answers are rankings. ``InputError`` where there is none yet."""
    import choix

    chains = [((vote.survey, vote.trial.prompt), chain) for vote in real(votes) for chain in _chains(vote)]
    if not chains:
        raise InputError("There are no rankings yet, so there are no strengths.")
    names = sorted({name for _, chain in chains for name in chain})
    place = {name: index for index, name in enumerate(names)}
    stages: dict[tuple[str, str], list[Stage]] = defaultdict(list)
    for cluster, (winner, *losers) in chains:
        stages[cluster].append((place[winner], tuple(place[loser] for loser in losers)))
    everything = [stage for given in stages.values() for stage in given]
    whole = _linked(everything, len(names))
    penalty = 0.0 if whole else EVEN
    fit = choix.ilsr_top1 if whole else partial(choix.opt_top1, alpha=EVEN)
    values = fit(len(names), everything)
    found = _clustered(stages, values, penalty)
    note = " ".join(filter(None, ("" if whole else UNBOUNDED, unclustered(*zip(*stages)))))
    return ordered(names, values - values.mean(), found, list(duels_of(votes)), "Plackett-Luce", 0.0, note)


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
    from scipy.sparse.csgraph import connected_components

    beats = np.zeros((n, n))
    for winner, losers in stages:
        beats[winner, losers] = 1
    return int(connected_components(beats, connection="strong")[0]) == 1


def _clustered(stages: dict[tuple[str, str], list[Stage]], values: np.ndarray, penalty: float) -> Clustered:
    """Inverse information, between two copies of which the gradients by rater and prompt stand where there are enough."""
    from choix.opt import Top1Fcts

    everything = [stage for given in stages.values() for stage in given]
    inverse = np.linalg.pinv(Top1Fcts(everything, penalty).hessian(values), rcond=1e-9, hermitian=True)
    gradients = np.array([Top1Fcts(given, 0.0).gradient(values) for given in stages.values()])
    raters, prompts = zip(*stages)
    return clustered(gradients @ inverse, raters, prompts) or Clustered(inverse, 0, 0, math.inf)
