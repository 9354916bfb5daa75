"""A study's comparisons in the layout of Pick-a-Pic (Kirstain et al., NeurIPS 2023), pictures included.

``jpg_0`` and ``jpg_1`` hold picture files (lossless WebP here; readers go by the bytes, not by the name). ``label_0`` is
1 where the first was preferred, 0 where the second was, 0.5 for a tie.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from t2ialign.files import write_whole
from t2ialign.hub.vote_tables import public_survey
from t2ialign.store import Store
from t2ialign.store.studies import picture_of
from t2ialign.study.answers import duels
from t2ialign.study.manifest import Exhibit
from t2ialign.study.records import Vote, real
from t2ialign.types import InputError, content_key

TEXT = ("best_image_uid", "caption", "created_at", "image_0_uid", "image_0_url", "image_1_uid", "image_1_url")
SCHEMA = pa.schema(
    {
        "are_different": pa.bool_(),
        **dict.fromkeys(TEXT, pa.string()),
        "has_label": pa.bool_(),
        "jpg_0": pa.binary(),
        "jpg_1": pa.binary(),
        "label_0": pa.float64(),
        "label_1": pa.float64(),
        "model_0": pa.string(),
        "model_1": pa.string(),
        "ranking_id": pa.string(),
        "user_id": pa.string(),
        "num_example_per_prompt": pa.int64(),
    }
)


def pair_rows(store: Store, votes: Sequence[Vote]) -> Iterator[dict[str, Any]]:
    """One row a comparison of two pictures; of sets, one for each seed that both have a picture of."""
    read = cache(lambda sha: picture_of(store, sha))
    found = [row for vote in real(votes) for row in _comparisons(vote)]
    prompts = Counter(row["caption"] for row in found)
    for row in found:
        files = {"jpg_0": read(row["image_0_uid"]), "jpg_1": read(row["image_1_uid"])}
        yield row | files | {"num_example_per_prompt": prompts[row["caption"]]}


def write_pairs(store: Store, votes: Sequence[Vote], path: Path) -> Path:
    """The comparisons as Parquet. ``InputError`` where there are none."""
    rows = list(pair_rows(store, votes))
    if not rows:
        raise InputError("There are no comparisons to export yet.")
    buffer = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), buffer, compression="zstd")
    write_whole(path, buffer.getvalue().to_pybytes())
    return path


def _comparisons(vote: Vote) -> Iterator[dict[str, Any]]:
    shown = vote.trial.shown
    for better, worse, outcome in duels(vote.answer, vote.trial.kind, len(shown)):
        first, second = sorted((better, worse))
        label = 0.5 if outcome == "tie" else float(first == better)
        for one, other in zip(shown[first].pictures, shown[second].pictures):
            if one != other:
                yield _row(vote, (shown[first], one), (shown[second], other), label)


def _row(vote: Vote, first: tuple[Exhibit, str], second: tuple[Exhibit, str], label: float) -> dict[str, Any]:
    uids = first[1], second[1]
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
        "model_0": first[0].label,
        "model_1": second[0].label,
        "ranking_id": content_key([vote.id, *uids]),
        "user_id": public_survey(vote.survey),
    }
