"""How strong is each contender? From pairwise outcomes, on the log-odds scale, with intervals that respect raters.

Bradley and Terry (1952): P(i beats j) = s_i / (s_i + s_j). Where there are ties, Davidson (1970) gives them a share of
v * sqrt(s_i s_j), so that they say something instead of being split in halves. Both are fitted in their log-linear form
(Sinclair, 1982): a Poisson regression with one nuisance parameter per pair, by statsmodels.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Literal, NamedTuple

import numpy as np
from scipy import stats
from scipy.sparse.csgraph import connected_components

from t2ialign.study.answers import duels
from t2ialign.study.records import Vote, real
from t2ialign.tradeoff.interval import CONFIDENCE
from t2ialign.types import InputError, Interval

Outcome = Literal["left", "right", "tie"]
FEWEST_RATERS = 10  # below, the spread between raters cannot be estimated, and votes count as independent
UNBOUNDED = (
    "Some contenders were never beaten by (or never beat) the others, so their strengths have no bound: one even vote "
    "between every two of them was added to keep the numbers finite."
)
UNMET = "Some contenders never met, not even by way of others: what lies between them is a guess."


class Duel(NamedTuple):
    """One comparison. ``rater`` "" = unknown, a rater of their own."""

    left: str
    right: str
    outcome: Outcome
    rater: str = ""


@dataclass(frozen=True)
class Strength:
    """A contender's log-strength; the mean over contenders is 0, and a difference d means odds of exp(d) to win."""

    name: str
    strength: Interval
    wins: int
    losses: int
    ties: int


@dataclass(frozen=True)
class Strengths:
    """The contenders, the strongest first, with the covariance of their log-strengths in the same order.

    ``tie`` is Davidson's v (0 where no tie occurred). ``raters`` is 0 where votes counted as independent; ``votes`` are
    comparisons. ``quantile`` turns a standard error into half a 95 % interval.
    """

    model: Literal["Bradley-Terry", "Davidson", "Plackett-Luce"]
    contenders: tuple[Strength, ...]
    covariance: tuple[tuple[float, ...], ...]
    tie: float
    votes: int
    raters: int
    quantile: float
    note: str = ""

    def difference(self, one: str, other: str) -> Interval:
        """How much stronger ``one`` is than ``other``, with its 95 % interval."""
        names = [contender.name for contender in self.contenders]
        i, j = names.index(one), names.index(other)
        mean = self.contenders[i].strength.mean - self.contenders[j].strength.mean
        cov = self.covariance
        margin = self.quantile * math.sqrt(max(cov[i][i] + cov[j][j] - 2 * cov[i][j], 0.0))
        return Interval(mean, mean - margin, mean + margin)


def duels_of(votes: Sequence[Vote]) -> Iterator[Duel]:
    """The comparisons in a study's votes; pictures that two contenders share stand for both of them."""
    for vote in real(votes):
        shown = vote.trial.shown
        for better, worse, outcome in duels(vote.answer, vote.trial.kind, len(shown)):
            for winner in shown[better].contenders:
                for loser in shown[worse].contenders:
                    if winner != loser:
                        yield Duel(winner, loser, outcome, vote.survey)


def strengths(votes: Iterable[Duel]) -> Strengths:
    """Bradley-Terry strengths, Davidson's where there are ties; robust to raters' habits from ten raters on.

    Raises:
        InputError: nothing was compared, or something with itself.
    """
    votes = list(votes)
    if not votes:
        raise InputError("There are no comparisons yet, so there are no strengths.")
    if any(vote.left == vote.right for vote in votes):
        raise InputError("A contender was compared with itself: every row needs two different names.")
    names = sorted({name for vote in votes for name in (vote.left, vote.right)})
    outcomes, note = _counted(votes, names), ""
    linked = _linked(outcomes, len(names))
    if linked != "whole":
        note = UNMET if linked == "apart" else UNBOUNDED
        for pair, outcome in product(combinations(range(len(names)), 2), ("win", "loss")):
            outcomes["", pair, outcome] += 0.5
    raters = len({rater for rater, _, _ in outcomes if rater})
    ties = any(vote.outcome == "tie" for vote in votes)
    clustered = raters >= FEWEST_RATERS and "" not in {vote.rater for vote in votes}
    values, covariance = _fitted(outcomes, len(names), ties, clustered)
    model: Literal["Davidson", "Bradley-Terry"] = "Davidson" if ties else "Bradley-Terry"
    tie = math.exp(values[-1]) if ties else 0.0
    quantile = quantile_for(raters if clustered else 0)
    k = len(names)
    return ordered(names, values[:k], covariance[:k, :k], votes, model, tie, raters if clustered else 0, quantile, note)


def quantile_for(raters: int) -> float:
    """Half a 95 % interval in standard errors: Student's with one degree of freedom less than raters, else normal."""
    tail = (1 + CONFIDENCE) / 2
    return float(stats.t.ppf(tail, raters - 1) if raters else stats.norm.ppf(tail))


def ordered(
    names: Sequence[str],
    values: np.ndarray,
    covariance: np.ndarray,
    votes: Sequence[Duel],
    model: Literal["Bradley-Terry", "Davidson", "Plackett-Luce"],
    tie: float,
    raters: int,
    quantile: float,
    note: str,
) -> Strengths:
    """Estimates as a ``Strengths``, the strongest first."""
    order = np.argsort(-values, kind="stable")
    margins = quantile * np.sqrt(np.maximum(np.diag(covariance), 0.0))
    results = Counter(
        (name, result)
        for vote in votes
        for name, result in (
            (vote.left, {"left": "win", "right": "loss"}.get(vote.outcome, "tie")),
            (vote.right, {"right": "win", "left": "loss"}.get(vote.outcome, "tie")),
        )
    )
    contenders = tuple(
        Strength(
            names[i],
            Interval(float(values[i]), float(values[i] - margins[i]), float(values[i] + margins[i])),
            *(results[names[i], result] for result in ("win", "loss", "tie")),
        )
        for i in order
    )
    rows = tuple(tuple(map(float, row)) for row in covariance[np.ix_(order, order)])
    return Strengths(model, contenders, rows, tie, len(votes), raters, quantile, note)


Key = tuple[str, tuple[int, int], str]


def _counted(votes: Sequence[Duel], names: Sequence[str]) -> defaultdict[Key, float]:
    """How often (rater, pair i < j, "win" of i, "loss" of i or "tie")."""
    place = {name: index for index, name in enumerate(names)}
    counts: defaultdict[Key, float] = defaultdict(float)
    for vote in votes:
        i, j = place[vote.left], place[vote.right]
        first = {"left": "win", "right": "loss"}.get(vote.outcome, "tie")
        turned = {"win": "loss", "loss": "win"}.get(first, "tie")
        counts[vote.rater, (min(i, j), max(i, j)), first if i < j else turned] += 1
    return counts


def _linked(outcomes: Mapping[Key, float], n: int) -> Literal["whole", "one-way", "apart"]:
    """Whether everybody beat (or tied with) everybody by some chain, which is when finite estimates exist (Ford, 1957)."""
    beats = np.zeros((n, n))
    for (_, (i, j), outcome), count in outcomes.items():
        beats[i, j] += count * (outcome != "loss")
        beats[j, i] += count * (outcome != "win")
    if connected_components(beats, connection="strong")[0] == 1:
        return "whole"
    return "one-way" if connected_components(beats, directed=False)[0] == 1 else "apart"


def _fitted(outcomes: Mapping[Key, float], n: int, ties: bool, clustered: bool) -> tuple[np.ndarray, np.ndarray]:
    """Centred log-strengths (and log v) with their covariance, from the log-linear model."""
    import statsmodels.api as sm

    kinds = ("win", "loss", "tie") if ties else ("win", "loss")
    groups = sorted({(rater, pair) for rater, pair, _ in outcomes})
    pairs = {pair: column for column, pair in enumerate(sorted({pair for _, pair in groups}))}
    rows, counts, offsets, raters = [], [], [], []
    for rater, (i, j) in groups:
        given = [outcomes.get((rater, (i, j), kind), 0.0) for kind in kinds]
        for kind, count in zip(kinds, given):
            row = np.zeros(len(pairs) + n + ties)
            row[pairs[i, j]] = 1
            skills = row[len(pairs) :]
            skills[i], skills[j] = {"win": (1, 0), "loss": (0, 1), "tie": (0.5, 0.5)}[kind]
            skills[n:] = kind == "tie"
            rows.append(row)
            counts.append(count)
            offsets.append(math.log(sum(given)))
            raters.append(rater)
    design = np.delete(np.array(rows), len(pairs) + n - 1, axis=1)  # the last contender is the zero of the scale
    model = sm.GLM(np.array(counts), design, family=sm.families.Poisson(), offset=np.array(offsets))
    labels = np.unique(raters, return_inverse=True)[1]
    how = {"cov_type": "cluster", "cov_kwds": {"groups": labels}} if clustered else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two contenders fit perfectly, which is no trouble here
        found = model.fit(**how)
    centre = _centre(n, ties)
    free = slice(len(pairs), None)
    return centre @ found.params[free], centre @ found.cov_params()[free, free] @ centre.T


def _centre(n: int, ties: bool) -> np.ndarray:
    """From n - 1 strengths against the last (and log v) to n strengths about their mean (and log v)."""
    full = np.eye(n + ties)
    full[:n, :n] -= 1 / n
    return np.delete(full, n - 1, axis=1)
