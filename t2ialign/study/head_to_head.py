"""Who is preferred to whom, pair by pair: counts, a share with its interval, and the exact binomial test.

The test is that of Albuquerque et al. (2025) for attribute-conditional diversity: were both as good, each answer would be a
coin's. Ties say nothing about that and are counted apart. It takes answers for independent; the interval does not
(``shares``). All pairs of a study are one family, corrected by Holm.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from t2ialign.study.records import Vote
from t2ialign.study.shares import share
from t2ialign.study.strengths import Duel, duels_of
from t2ialign.tradeoff.families import holm, stands
from t2ialign.types import Interval


@dataclass(frozen=True)
class HeadToHead:
    """Two contenders: how often ``one`` was preferred, ``other`` was, or neither.

    ``share`` is that of ``one`` among the decided answers. ``p`` is the exact two-sided binomial test against one half,
    ``adjusted`` the same after Holm over all pairs of the study.
    """

    one: str
    other: str
    wins: int
    losses: int
    ties: int
    share: Interval
    p: float
    adjusted: float

    @property
    def stands(self) -> bool:
        """Whether a preference stands in its family."""
        return stands(self.adjusted)


def head_to_head(votes: Sequence[Vote]) -> list[HeadToHead]:
    """Every pair of contenders that met, the more preferred first; pairs in the order of their evidence."""
    from scipy import stats

    met: dict[tuple[str, str], list[Duel]] = defaultdict(list)
    for duel in duels_of(votes):
        met[min(duel.left, duel.right), max(duel.left, duel.right)].append(duel)
    counted = [_counts(pair, duels) for pair, duels in met.items()]
    ps = [
        float(stats.binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0
        for _, wins, losses, _, _ in counted
    ]
    found = [
        HeadToHead(*pair, wins, losses, ties, around, p, adjusted)
        for (pair, wins, losses, ties, around), p, adjusted in zip(counted, ps, holm(ps))
    ]
    return sorted(found, key=lambda one: (one.p, one.one, one.other))


def _counts(pair: tuple[str, str], duels: Sequence[Duel]) -> tuple[tuple[str, str], int, int, int, Interval]:
    """The pair with its winner first, wins, losses, ties, and the winner's share of the decided answers."""
    decided = [duel for duel in duels if duel.outcome != "tie"]
    won = [(duel.left if duel.outcome == "left" else duel.right) == pair[0] for duel in decided]
    wins, losses = sum(won), len(won) - sum(won)
    if losses > wins:
        pair, wins, losses, won = (pair[1], pair[0]), losses, wins, [not one for one in won]
    answers = [(duel.rater, duel.prompt, float(one)) for duel, one in zip(decided, won)]
    return pair, wins, losses, len(duels) - len(decided), share(answers)
