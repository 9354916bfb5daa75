"""How often what was chosen: MI-TUNE's table 7 (share by category) and table 6 (answer patterns by rater group)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from t2ialign.study.records import Vote, real
from t2ialign.study.shares import share
from t2ialign.types import Interval


@dataclass(frozen=True)
class Rate:
    """How often a contender was chosen where it was shown; an empty category or group stands for all of them.

    Chosen is selected (whatever else was selected too), picked, or ranked first.
    """

    contender: str
    category: str
    group: str
    share: Interval
    shown: int


@dataclass(frozen=True)
class Pattern:
    """One combination of what was chosen in a round, and its share of the rounds of a group ("" = all)."""

    chosen: tuple[str, ...]
    verdict: str
    group: str
    count: int
    share: Interval


def selection_rates(votes: Sequence[Vote]) -> list[Rate]:
    """Every contender by every category and group, and over all of them; combinations without answers are left out."""
    chosen = [(vote, name, hit) for vote in real(votes) for name, hit in choices(vote)]
    names = sorted({name for _, name, _ in chosen})
    rates = []
    for category, group in product(*_levels(votes)):
        within = [part for part in chosen if category in ("", part[0].trial.category) and group in ("", part[0].group)]
        for name in names:
            hits = [(vote.survey, vote.trial.prompt, float(hit)) for vote, found, hit in within if found == name]
            if hits:
                rates.append(Rate(name, category, group, share(hits), len(hits)))
    return rates


def choices(vote: Vote) -> Iterator[tuple[str, bool]]:
    """Each contender that a round showed, and whether it was chosen."""
    best = vote.answer.chosen[:1] if vote.trial.kind == "rank" else vote.answer.chosen
    for place, exhibit in enumerate(vote.trial.shown):
        for name in exhibit.contenders:
            yield name, place in best


def answer_patterns(votes: Sequence[Vote]) -> list[Pattern]:
    """What was chosen together, the most frequent pattern first, by group and over all of them."""
    given = [(vote, _pattern(vote)) for vote in real(votes)]
    order = [pattern for pattern, _ in Counter(pattern for _, pattern in given).most_common()]
    found = []
    for group in _levels(votes)[1]:
        within = [(vote, pattern) for vote, pattern in given if group in ("", vote.group)]
        for pattern in order:
            hits = [(vote.survey, vote.trial.prompt, float(known == pattern)) for vote, known in within]
            count = sum(known == pattern for _, known in within)
            if within:
                found.append(Pattern(*pattern, group, count, share(hits)))
    return found


def _pattern(vote: Vote) -> tuple[tuple[str, ...], str]:
    names = [vote.trial.shown[place].label for place in vote.answer.chosen]
    ordered = names if vote.trial.kind == "rank" else sorted(names)
    return tuple(ordered), vote.answer.verdict


def _levels(votes: Iterable[Vote]) -> tuple[list[str], list[str]]:
    """Categories and groups, all of them together first; one alone needs no row of its own."""
    votes = list(votes)
    readers: tuple[Callable[[Vote], str], ...] = (lambda vote: vote.trial.category, lambda vote: vote.group)
    levels = [sorted({reader(vote) for vote in votes} - {""}) for reader in readers]
    categories, groups = (["", *found] if len(found) > 1 else [""] for found in levels)
    return categories, groups
