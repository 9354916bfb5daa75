"""A study's comparisons in the layout of Pick-a-Pic (``training.pair_files``), pictures included as lossless WebP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from t2ialign.store import Store
from t2ialign.store.studies import picture_of
from t2ialign.store.vote_pairs import image_keys
from t2ialign.study.answers import duels
from t2ialign.study.records import Vote, public_survey, real
from t2ialign.training.pair_files import LAYOUT, origin_row, write_rows
from t2ialign.types import InputError, VoteOrigin, content_key


def pair_rows(store: Store, votes: Sequence[Vote]) -> Iterator[dict[str, Any]]:
    """One row a comparison of two pictures; of sets, one for each seed that both have a picture of."""
    read = cache(lambda sha: picture_of(store, sha))
    found = [comparison for vote in real(votes) for comparison in _comparisons(vote)]
    prompts = Counter(one.vote.trial.prompt for one in found)
    keys = image_keys(store, (place for one in found for place in one.places))
    for one in found:
        row = _row(one)
        files = {"jpg_0": read(row["image_0_uid"]), "jpg_1": read(row["image_1_uid"])}
        known = {f"key_{side}": keys.get(place, "") for side, place in enumerate(one.places)}
        yield row | files | known | {"num_example_per_prompt": prompts[row["caption"]]}


def write_comparisons(store: Store, votes: Sequence[Vote], path: Path) -> Path:
    """The comparisons as Parquet. ``InputError`` where there are none."""
    rows = list(pair_rows(store, votes))
    if not rows:
        raise InputError("There are no comparisons to export yet.")
    write_rows(path, rows, LAYOUT)
    return path


@dataclass(frozen=True)
class _Comparison:
    """Two pictures of one vote, in the order in which they were shown; ``label`` is that of the first."""

    vote: Vote
    uids: tuple[str, str]
    places: tuple[tuple[str, int], tuple[str, int]]  # cell and seed of each
    models: tuple[str, str]
    label: float


def _comparisons(vote: Vote) -> Iterator[_Comparison]:
    shown = vote.trial.shown
    for better, worse, outcome in duels(vote.answer, vote.trial.kind, len(shown)):
        first, second = sorted((better, worse))
        label = 0.5 if outcome == "tie" else float(first == better)
        left, right = shown[first], shown[second]
        models = left.label, right.label
        for one, seed, other, other_seed in zip(left.pictures, left.seeds, right.pictures, right.seeds):
            if one != other:
                places = (left.cell, seed), (right.cell, other_seed)
                yield _Comparison(vote, (one, other), places, models, label)


def _row(one: _Comparison) -> dict[str, Any]:
    vote, uids, label = one.vote, one.uids, one.label
    origin = VoteOrigin(public_survey(vote.survey), vote.trial.id, label)
    return {
        "are_different": True,
        "best_image_uid": "tie" if label == 0.5 else uids[0] if label else uids[1],
        "caption": vote.trial.prompt,
        "created_at": vote.created.isoformat(),
        "image_0_uid": uids[0],
        "image_0_url": "",
        "image_1_uid": uids[1],
        "image_1_url": "",
        "has_label": True,
        "label_0": label,
        "label_1": 1 - label,
        "model_0": one.models[0],
        "model_1": one.models[1],
        "ranking_id": content_key([vote.id, *uids]),
        "user_id": origin.survey,
        "weight": 1.0,
        "source": f"votes:{vote.study}",
        "votes": [origin_row(origin)],
    }
