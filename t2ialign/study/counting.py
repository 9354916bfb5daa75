"""How many kinds of an attribute raters count in each set, and how sure they are of which varies more.

Both are asked by Albuquerque et al. (2025) beside the pick. Counts of a round are paired: the same rater, prompt and screen.
Means and differences have intervals over raters and prompts at once (``clusters``); the differences between contenders are
one family (Holm). Whether raters agree is Krippendorff's alpha at the level of ratios.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from t2ialign.study.agreement import Agreement, Rating, agreement
from t2ialign.study.answers import SURENESS
from t2ialign.study.clusters import clustered
from t2ialign.study.head_to_head import HeadToHead, head_to_head
from t2ialign.study.records import Vote, real
from t2ialign.study.shares import share
from t2ialign.tradeoff.families import holm, stands
from t2ialign.tradeoff.interval import Estimate
from t2ialign.types import InputError, Interval

Said = tuple[str, str, float]  # a survey, a prompt, and a number of theirs
ALIKE = "All counts of {} against {} differ by the same number, so how far that would vary is unknown."


@dataclass(frozen=True)
class MeanCount:
    """How many kinds were counted in a contender's sets, on average of ``sets`` counts."""

    contender: str
    mean: Interval
    sets: int


@dataclass(frozen=True)
class CountDifference:
    """How many kinds more were counted in ``one`` than in ``other`` where a round showed both, in ``rounds`` rounds.

    ``p`` is that of no difference (Student's t, clustered), ``adjusted`` the same after Holm over all pairs of the study.
    """

    one: str
    other: str
    difference: Interval
    rounds: int
    p: float
    adjusted: float

    @property
    def stands(self) -> bool:
        """Whether the difference stands in its family."""
        return stands(self.adjusted)


@dataclass(frozen=True)
class PickAndCounts:
    """Does the pick follow the counts? ``share``: the set with more kinds was picked, of ``both`` rounds that decide both.

    ``only_picked``: one was picked though the counts were even; ``only_counted``: none was though they were not;
    ``neither``: even in both.
    """

    share: Interval
    both: int
    only_picked: int
    only_counted: int
    neither: int


@dataclass(frozen=True)
class Sureness:
    """The answers given at one level of confidence: how many, and who was preferred to whom (in the order of the study's)."""

    level: str
    answers: int
    pairs: tuple[HeadToHead, ...]


@dataclass(frozen=True)
class Counting:
    """Everything that counts and confidence say; what was not asked is empty.

    ``checks`` are attention checks with counts, in which one picture is repeated; in ``overcounted`` of them it was counted
    as more than one kind.
    """

    means: tuple[MeanCount, ...]
    differences: tuple[CountDifference, ...]
    pick: PickAndCounts | None
    alpha: Agreement | None
    sureness: tuple[Sureness, ...]
    checks: int
    overcounted: int
    notes: tuple[str, ...]


def counting(votes: Sequence[Vote]) -> Counting | None:
    """What counts and confidence say; None where nobody was asked for either."""
    given = real(votes)
    counted = [vote for vote in given if vote.answer.counts]
    sure = [vote for vote in given if vote.answer.confidence]
    if not counted and not sure:
        return None
    alpha, notes = None, []
    if counted:
        try:
            alpha = agreement(count_ratings(counted), "ratio")
            notes += [f"Of the counts: {alpha.note}"] if alpha.note else []
        except InputError as error:
            notes.append(f"Of the counts: {error}")
    differences = tuple(count_differences(counted))
    notes += [ALIKE.format(one.one, one.other) for one in differences if math.isnan(one.p)]
    repeated = [_decoy_count(vote) for vote in votes if vote.trial.check == "decoy" and vote.answer.counts]
    return Counting(
        means=tuple(mean_counts(counted)),
        differences=differences,
        pick=pick_and_counts(counted) if counted else None,
        alpha=alpha,
        sureness=tuple(sureness(sure)),
        checks=len(repeated),
        overcounted=sum(count > 1 for count in repeated),
        notes=tuple(notes),
    )


def mean_counts(votes: Iterable[Vote]) -> list[MeanCount]:
    """Every contender's mean count, the highest first. Shared pictures count for each of their contenders."""
    said: dict[str, list[Said]] = defaultdict(list)
    for vote in votes:
        for exhibit, count in zip(vote.trial.shown, vote.answer.counts):
            for name in exhibit.contenders:
                said[name].append((vote.survey, vote.trial.prompt, float(count)))
    found = [MeanCount(name, _around(mean_of(numbers)), len(numbers)) for name, numbers in said.items()]
    return sorted(found, key=lambda one: (-one.mean.mean, one.contender))


def count_differences(votes: Iterable[Vote]) -> list[CountDifference]:
    """Every two contenders that met, the higher one first; pairs in the order of their evidence."""
    met: dict[tuple[str, str], list[Said]] = defaultdict(list)
    for vote in votes:
        for one, other, difference in _differences(vote):
            met[one, other].append((vote.survey, vote.trial.prompt, difference))
    estimates = [mean_of(numbers) for numbers in met.values()]
    ps = [math.nan if estimate.error == 0 else estimate.p for estimate in estimates]
    found = []
    for (pair, numbers), estimate, p, adjusted in zip(met.items(), estimates, ps, holm(ps)):
        around = _around(estimate)
        if around.mean < 0:
            pair, around = (pair[1], pair[0]), Interval(-around.mean, -around.hi, -around.lo)
        found.append(CountDifference(*pair, around, len(numbers), p, adjusted))
    return sorted(found, key=lambda one: (math.isnan(one.p), one.p, one.one, one.other))


def pick_and_counts(votes: Iterable[Vote]) -> PickAndCounts:
    """How often the picked set is the one in which more kinds were counted."""
    agreed: list[Said] = []
    rest = {"only_picked": 0, "only_counted": 0, "neither": 0}
    for vote in votes:
        left, right = vote.answer.counts
        if vote.answer.chosen and left != right:
            more = 0 if left > right else 1
            agreed.append((vote.survey, vote.trial.prompt, float(vote.answer.chosen[0] == more)))
        else:
            rest["only_picked" if vote.answer.chosen else "only_counted" if left != right else "neither"] += 1
    return PickAndCounts(share(agreed), len(agreed), **rest)


def sureness(votes: Sequence[Vote]) -> list[Sureness]:
    """Who was preferred to whom by how sure raters were, from guessing to sure; each pair as the whole study orders it."""
    order = [(pair.one, pair.other) for pair in head_to_head(votes)]
    found = []
    for level in SURENESS:
        within = [vote for vote in votes if vote.answer.confidence == level]
        pairs = {frozenset((pair.one, pair.other)): pair for pair in head_to_head(within)}
        turned = [_as(pairs[frozenset(names)], names[0]) for names in order if frozenset(names) in pairs]
        found.append(Sureness(level, len(within), tuple(turned)))
    return found


def count_ratings(votes: Iterable[Vote]) -> Iterator[Rating]:
    """A count as a rating of its set; a survey that met the same set twice counts with its first one."""
    seen = set()
    for vote in votes:
        for exhibit, count in zip(vote.trial.shown, vote.answer.counts):
            unit = f"{vote.trial.prompt} | {' '.join(exhibit.pictures)}"
            if (vote.survey, unit) not in seen:
                seen.add((vote.survey, unit))
                yield Rating(unit, vote.survey, str(count))


def mean_of(said: Sequence[Said]) -> Estimate:
    """The mean of numbers by survey and prompt, its clustered standard error (NaN: cannot be told) and degrees of freedom."""
    surveys, prompts, numbers = (list(column) for column in zip(*said))
    data = np.array(numbers, dtype=float)
    mean = float(data.mean())
    found = clustered((data - mean)[:, None] / len(data), surveys, prompts, (2, 2))
    if found is None:
        return Estimate(mean, math.nan, math.nan)
    return Estimate(mean, math.sqrt(max(float(found.covariance[0, 0]), 0.0)), found.df)


def _around(estimate: Estimate) -> Interval:
    """The interval; NaN ends also where all numbers are the same, so that nothing tells how far they vary."""
    return estimate.interval if estimate.error > 0 else Interval(estimate.mean, math.nan, math.nan)


def _differences(vote: Vote) -> Iterator[tuple[str, str, float]]:
    """The paired differences of a round, names in the order of the alphabet; shared pictures stand for each in turn."""
    counted: list[tuple[Sequence[str], int]] = [
        (exhibit.contenders, count) for exhibit, count in zip(vote.trial.shown, vote.answer.counts)
    ]
    for (ones, count), (others, against) in combinations(counted, 2):
        for one, other in product(ones, others):
            if one != other:
                sign = 1 if one < other else -1
                yield min(one, other), max(one, other), float(sign * (count - against))


def _as(pair: HeadToHead, first: str) -> HeadToHead:
    """The same pair told from ``first``'s side."""
    if pair.one == first:
        return pair
    turned = Interval(1 - pair.share.mean, 1 - pair.share.hi, 1 - pair.share.lo)
    return HeadToHead(pair.other, pair.one, pair.losses, pair.wins, pair.ties, turned, pair.p, pair.adjusted)


def _decoy_count(vote: Vote) -> int:
    return next(int(count) for exhibit, count in zip(vote.trial.shown, vote.answer.counts) if exhibit.is_decoy)
