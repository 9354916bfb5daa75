"""What people disagree about: the pictures that were compared more than once, with votes on both sides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from t2ialign.study.answers import duels
from t2ialign.study.manifest import Exhibit
from t2ialign.study.records import Vote, real


@dataclass(frozen=True)
class Contested:
    """Two exhibits of one prompt, and how many preferred the one, the other, or neither."""

    prompt: str
    one: Exhibit
    other: Exhibit
    wins: int
    losses: int
    ties: int

    @property
    def votes(self) -> int:
        return self.wins + self.losses + self.ties


def contested(votes: Sequence[Vote], most: int = 6) -> list[Contested]:
    """The ``most`` comparisons on which votes were most even, of equals those with more votes first.

    Only those with a vote on either side: a pair that everybody called a tie is no quarrel.
    """
    said: dict[tuple[str, Exhibit, Exhibit], list[int]] = defaultdict(lambda: [0, 0, 0])
    for vote in real(votes):
        shown = vote.trial.shown
        for better, worse, outcome in duels(vote.answer, vote.trial.kind, len(shown)):
            one, other = sorted((shown[better], shown[worse]), key=lambda exhibit: exhibit.pictures)
            counts = said[vote.trial.prompt, one, other]
            counts[2 if outcome == "tie" else 0 if one is shown[better] else 1] += 1
    found = [Contested(*key, *counts) for key, counts in said.items() if min(counts[:2]) > 0]
    return sorted(found, key=lambda one: (abs(one.wins - one.losses) / one.votes, -one.votes, one.prompt))[:most]
