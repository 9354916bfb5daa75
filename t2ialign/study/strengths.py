"""How strong is each contender? From pairwise outcomes, on the log-odds scale, with intervals that respect raters and prompts.

Bradley and Terry (1952): P(i beats j) = s_i / (s_i + s_j). Where there are ties, Davidson (1970) gives them a share of
v * sqrt(s_i s_j), so that they say something instead of being split in halves. Both are fitted in their log-linear form
(Sinclair, 1982): a Poisson regression with one nuisance parameter per pair, by statsmodels.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Literal, NamedTuple

import numpy as np

from t2ialign.study.answers import duels
from t2ialign.study.clusters import Clustered, clustered, unclustered
from t2ialign.study.records import Vote, real
from t2ialign.types import InputError, Interval

Outcome = Literal["left", "right", "tie"]
KINDS = ("win", "loss", "tie")
UNBOUNDED = (
    "Some contenders were never beaten by (or never beat) the others, so their strengths have no bound: one even vote "
    "between every two of them was added to keep the numbers finite."
)
UNMET = "Some contenders never met, not even by way of others: what lies between them is a guess."


class Duel(NamedTuple):
    """One comparison; ``rater`` and ``prompt`` "" = unknown."""

    left: str
    right: str
    outcome: Outcome
    rater: str = ""
    prompt: str = ""


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

    ``tie`` is Davidson's v (0 where no tie occurred); ``votes`` are comparisons. ``raters`` and ``prompts`` say how many of
    them the intervals took for clusters, 0 = answers counted as independent in that respect. ``quantile`` turns a standard
    error into half a 95 % interval.
    """

    model: Literal["Bradley-Terry", "Davidson", "Plackett-Luce"]
    contenders: tuple[Strength, ...]
    covariance: tuple[tuple[float, ...], ...]
    tie: float
    votes: int
    raters: int
    prompts: int
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
                        yield Duel(winner, loser, outcome, vote.survey, vote.trial.prompt)


def strengths(votes: Iterable[Duel]) -> Strengths:
    """Bradley-Terry strengths, Davidson's where there are ties.

    Robust to raters' habits from ten raters on, and to what prompts do to contenders from five prompts on (``clusters``).

    Raises:
        InputError: nothing was compared, something with itself, or all comparisons are ties.
    """
    votes = list(votes)
    if not votes:
        raise InputError("There are no comparisons yet, so there are no strengths.")
    if any(vote.left == vote.right for vote in votes):
        raise InputError("A contender was compared with itself: every row needs two different names.")
    if all(vote.outcome == "tie" for vote in votes):
        raise InputError(f"All {len(votes)} comparisons are ties, so there are no strengths to estimate.")
    names = sorted({name for vote in votes for name in (vote.left, vote.right)})
    ties = any(vote.outcome == "tie" for vote in votes)
    seen = _sides(votes, names)
    outcomes, note = _counted(seen), ""
    linked = _linked(outcomes, len(names))
    if linked != "whole":
        note = UNMET if linked == "apart" else UNBOUNDED
        for pair, outcome in product(combinations(range(len(names)), 2), ("win", "loss")):
            outcomes[pair, outcome] += 0.5
    values, inverse = _fitted(outcomes, len(names), ties)
    scores = _scores(seen, values, len(names), ties) @ inverse
    raters, prompts = [vote.rater for vote in votes], [vote.prompt for vote in votes]
    found = clustered(scores, raters, prompts) or Clustered(inverse, 0, 0, math.inf)
    note = " ".join(filter(None, (note, unclustered(raters, prompts))))
    model: Literal["Davidson", "Bradley-Terry"] = "Davidson" if ties else "Bradley-Terry"
    tie = math.exp(values[-1]) if ties else 0.0
    return ordered(names, values[: len(names)], found, votes, model, tie, note)


def ordered(
    names: Sequence[str],
    values: np.ndarray,
    found: Clustered,
    votes: Sequence[Duel],
    model: Literal["Bradley-Terry", "Davidson", "Plackett-Luce"],
    tie: float,
    note: str,
) -> Strengths:
    """Estimates as a ``Strengths``, the strongest first."""
    order = np.argsort(-values, kind="stable")
    covariance = found.covariance[: len(names), : len(names)]
    margins = found.quantile * np.sqrt(np.maximum(np.diag(covariance), 0.0))
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
    return Strengths(model, contenders, rows, tie, len(votes), found.raters, found.prompts, found.quantile, note)


Side = tuple[int, int, str]
"""Two contenders i < j and what that means for i: "win", "loss" or "tie"."""
Outcomes = defaultdict[tuple[tuple[int, int], str], float]
"""How often (pair, what happened to its first)."""


def _sides(votes: Sequence[Duel], names: Sequence[str]) -> list[Side]:
    place = {name: index for index, name in enumerate(names)}
    found = []
    for vote in votes:
        i, j = place[vote.left], place[vote.right]
        first = {"left": "win", "right": "loss"}.get(vote.outcome, "tie")
        turned = {"win": "loss", "loss": "win"}.get(first, "tie")
        found.append((min(i, j), max(i, j), first if i < j else turned))
    return found


def _counted(sides: Sequence[Side]) -> Outcomes:
    return defaultdict(float, Counter(((i, j), outcome) for i, j, outcome in sides))


def _linked(outcomes: Outcomes, n: int) -> Literal["whole", "one-way", "apart"]:
    """Whether everybody beat (or tied with) everybody by some chain, which is when finite estimates exist (Ford, 1957)."""
    from scipy.sparse.csgraph import connected_components

    beats = np.zeros((n, n))
    for ((i, j), outcome), count in outcomes.items():
        beats[i, j] += count * (outcome != "loss")
        beats[j, i] += count * (outcome != "win")
    if connected_components(beats, connection="strong")[0] == 1:
        return "whole"
    return "one-way" if connected_components(beats, directed=False)[0] == 1 else "apart"


def _fitted(outcomes: Outcomes, n: int, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    """Centred log-strengths (and log v) with the covariance of independent answers, from the log-linear model."""
    import statsmodels.api as sm

    kinds = KINDS if ties else KINDS[:2]
    pairs = {pair: column for column, pair in enumerate(sorted({pair for pair, _ in outcomes}))}
    rows, counts, offsets = [], [], []
    for (i, j), column in pairs.items():
        given = [float(outcomes[(i, j), kind]) for kind in kinds]
        for kind, count in zip(kinds, given):
            row = np.zeros(len(pairs) + n + ties)
            row[column] = 1
            skills = row[len(pairs) :]
            skills[i], skills[j] = {"win": (1, 0), "loss": (0, 1), "tie": (0.5, 0.5)}[kind]
            skills[n:] = kind == "tie"
            rows.append(row)
            counts.append(count)
            offsets.append(math.log(sum(given)))
    design = np.delete(np.array(rows), len(pairs) + n - 1, axis=1)  # the last contender is the zero of the scale
    model = sm.GLM(np.array(counts), design, family=sm.families.Poisson(), offset=np.array(offsets))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two contenders fit perfectly, which is no trouble here
        found = model.fit()
    centre = _centre(n, ties)
    free = slice(len(pairs), None)
    return centre @ found.params[free], centre @ found.cov_params()[free, free] @ centre.T


def _scores(sides: Sequence[Side], values: np.ndarray, n: int, ties: bool) -> np.ndarray:
    """Each answer's gradient of its log-likelihood by the log-strengths (and log v): what happened less its chance."""
    i, j = (np.array([side[place] for side in sides]) for place in (0, 1))
    happened = np.array([[side[2] == kind for kind in KINDS] for side in sides], dtype=float)
    gap = values[j] - values[i]
    weights = np.stack([np.ones_like(gap), np.exp(gap), np.exp(values[n] + gap / 2) if ties else np.zeros_like(gap)], 1)
    win, loss, tie = (happened - weights / weights.sum(1, keepdims=True)).T
    gradients, every = np.zeros((len(sides), n + ties)), np.arange(len(sides))
    gradients[every, i], gradients[every, j] = win + tie / 2, loss + tie / 2
    gradients[:, n:] = tie[:, None]
    return gradients


def _centre(n: int, ties: bool) -> np.ndarray:
    """From n - 1 strengths against the last (and log v) to n strengths about their mean (and log v)."""
    full = np.eye(n + ties)
    full[:n, :n] -= 1 / n
    return np.delete(full, n - 1, axis=1)
