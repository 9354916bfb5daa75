"""Votes as training data: preference pairs weighed by how much people agree, and single pictures liked or not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from statistics import fmean

from t2ialign.source import Source
from t2ialign.store import images
from t2ialign.store.database import Store
from t2ialign.store.studies import exclusions, picture_of, study_of
from t2ialign.store.vote_queries import answers_of
from t2ialign.study.answers import duels
from t2ialign.study.exclusion import excluded
from t2ialign.study.manifest import Exhibit
from t2ialign.study.records import Vote, public_survey, real
from t2ialign.types import Example, InputError, PreferencePair, Prompt, VoteOrigin


@dataclass(frozen=True)
class _Meeting:
    """Two pictures of one prompt that people compared, in the order of their hashes."""

    prompt: str
    category: str
    pictures: tuple[str, str]
    places: tuple[tuple[str, int], tuple[str, int]]  # cell and seed of each


def pairs_from_votes(store: Store, study: str, groups: Sequence[str] = ()) -> list[PreferencePair]:
    """One pair for any two pictures that more people preferred one way; exclusion rules in force apply.

    ``groups``: the votes of these rater groups alone. The weight is the majority's margin,
    |wins - losses| / (votes + 2), ties counting as votes only, so that it grows with agreement and with evidence; then
    all weights are divided by their mean. Even votes give no pair. A set preferred over a set gives a pair for each
    seed, of its share of the weight. Raises ``InputError`` for an unknown study or group.
    """
    study, votes = _votes(store, study, groups)
    results = _meetings(votes)
    keys = image_keys(store, (place for meeting in results for place in meeting.places))
    picture = cache(
        lambda sha: images.decode(picture_of(store, sha))
    )  # one tensor a picture, however many pairs it has
    pairs = []
    for meeting, said in results.items():
        margin = sum((2 * vote.agrees - 1) * share for vote, share in said)
        if abs(margin) > 1e-9:
            win, lose = (0, 1) if margin > 0 else (1, 0)
            pairs.append(
                PreferencePair(
                    Prompt(meeting.prompt, meeting.category),
                    picture(meeting.pictures[win]),
                    picture(meeting.pictures[lose]),
                    str(Source("votes", study)),
                    abs(margin) / (sum(share for _, share in said) + 2),
                    keys.get(meeting.places[win], ""),
                    keys.get(meeting.places[lose], ""),
                    tuple(vote if win == 0 else turned(vote) for vote, _ in said),
                )
            )
    return _normalised(pairs)


def labelled_from_votes(store: Store, study: str, groups: Sequence[str] = ()) -> list[Example]:
    """Single pictures for learning from likes (KTO): liked where most selected it, thumbed it up or preferred it.

    The weight is the majority's margin over its votes + 2, divided by the mean weight; even votes give no label. Each knows
    the votes that said something of it.
    """
    _, votes = _votes(store, study, groups)
    counts: dict[tuple[str, str, str], list[tuple[Vote, bool]]] = defaultdict(list)
    places: dict[str, tuple[str, int]] = {}
    for vote in votes:
        for place, liked in _likes(vote):
            shown = vote.trial.shown[place]
            for sha, seed in zip(shown.pictures, shown.seeds):
                counts[vote.trial.prompt, vote.trial.category, sha].append((vote, liked))
                places.setdefault(sha, (shown.cell, seed))
    margins = {key: sum(1 if liked else -1 for _, liked in said) / (len(said) + 2) for key, said in counts.items()}
    decided = {key: margin for key, margin in margins.items() if margin}
    scale = fmean(map(abs, decided.values())) if decided else 1.0
    keys = image_keys(store, (places[sha] for _, _, sha in decided))
    return [
        Example(
            Prompt(text, category),
            images.decode(picture_of(store, sha)),
            abs(margin) / scale,
            margin > 0,
            keys.get(places[sha], ""),
            tuple(_origin(vote, float(liked == (margin > 0))) for vote, liked in counts[text, category, sha]),
        )
        for (text, category, sha), margin in decided.items()
    ]


def _votes(store: Store, study: str, groups: Sequence[str]) -> tuple[str, list[Vote]]:
    """The real votes that count, and the study's plain id."""
    wanted = set(groups)
    found = study_of(store, study)
    if found.design is not None and not wanted <= set(found.design.groups):
        raise InputError(f"This study has the rater groups {', '.join(found.design.groups)}: choose among them.")
    votes = answers_of(store, study)
    out = excluded(votes, exclusions(store, study))
    return study, [v for v in real(votes) if v.survey not in out and (not wanted or v.group in wanted)]


def turned(vote: VoteOrigin) -> VoteOrigin:
    """The same vote seen from the pair's other picture."""
    return replace(vote, agrees=1 - vote.agrees)


def _meetings(votes: Iterable[Vote]) -> Mapping[_Meeting, list[tuple[VoteOrigin, float]]]:
    """Who met whom, and what each vote says of the first and counts; of sets, seed by seed, each a part of the vote."""
    results: dict[_Meeting, list[tuple[VoteOrigin, float]]] = defaultdict(list)
    for vote in votes:
        shown = vote.trial.shown
        for better, worse, outcome in duels(vote.answer, vote.trial.kind, len(shown)):
            parts = list(_seed_by_seed(shown[better], shown[worse]))
            for (sha, place), (other, other_place) in parts:
                swapped = sha > other
                pair = ((other, sha), (other_place, place)) if swapped else ((sha, other), (place, other_place))
                agrees = 0.5 if outcome == "tie" else 0.0 if swapped else 1.0
                met = _Meeting(vote.trial.prompt, vote.trial.category, *pair)
                results[met].append((_origin(vote, agrees), 1 / len(parts)))
    return results


def _origin(vote: Vote, agrees: float) -> VoteOrigin:
    return VoteOrigin(public_survey(vote.survey), vote.trial.id, agrees)


Shown = tuple[str, tuple[str, int]]


def _seed_by_seed(one: Exhibit, other: Exhibit) -> Iterator[tuple[Shown, Shown]]:
    """The pictures that stand for each other in two exhibits, where they differ."""
    for sha, seed, other_sha, other_seed in zip(one.pictures, one.seeds, other.pictures, other.seeds):
        if sha != other_sha:
            yield (sha, (one.cell, seed)), (other_sha, (other.cell, other_seed))


def _likes(vote: Vote) -> Iterator[tuple[int, bool]]:
    """Which positions were liked and which not; a tie says neither, of a ranking the two ends speak."""
    chosen, n = vote.answer.chosen, len(vote.trial.shown)
    if vote.trial.kind == "select":
        yield from ((place, place in chosen) for place in range(n))
    elif vote.trial.kind == "pick":
        if vote.answer.verdict != "tie":
            yield from ((place, place in chosen) for place in range(n))
    else:
        rest = [place for place in range(n) if place not in chosen]
        yield chosen[0], True
        yield from ((place, False) for place in (rest or chosen[-1:]) if place != chosen[0])


def image_keys(store: Store, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """The identities, by cell and seed, of the pictures that are stored in the cells of these places."""
    cells = sorted({cell for cell, _ in places})
    sql = "SELECT cell, seed, image FROM images WHERE cell IN (SELECT unnest(?::VARCHAR[]))"
    return {(cell, seed): image for cell, seed, image in store.rows(sql, [cells])}


def _normalised(pairs: Sequence[PreferencePair]) -> list[PreferencePair]:
    mean = fmean(pair.weight for pair in pairs) if pairs else 1.0
    return [replace(pair, weight=pair.weight / mean) for pair in pairs]
