"""Preferences in Parquet files: pairs in Pick-a-Pic's layout, and single pictures with a label.

``jpg_0`` and ``jpg_1`` hold picture files (readers go by the bytes, not by the name). ``label_0`` is 1 where the first was
preferred, 0 where the second was, 0.5 for a tie; ``label_1`` is the rest. Columns of our own, which other files lack: a
pair's ``weight`` in the loss, its ``source``, its pictures' keys in the store, and the votes that it stands for.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from t2ialign.files import whole_file
from t2ialign.types import Example, InputError, PreferencePair, Prompt, VoteOrigin

COLUMNS = ("caption", "jpg_0", "jpg_1", "label_0")
TEXT = ("best_image_uid", "caption", "created_at", "image_0_uid", "image_0_url", "image_1_uid", "image_1_url")
PUBLISHED = {  # Kirstain et al., NeurIPS 2023: yuvalkirstain/pickapic_v2 on the Hub
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
OURS = {
    "weight": pa.float64(),
    "source": pa.string(),
    "key_0": pa.string(),
    "key_1": pa.string(),
    "votes": pa.list_(pa.struct({"survey": pa.string(), "trial": pa.string(), "label_0": pa.float64()})),
}
LAYOUT = pa.schema({**PUBLISHED, **OURS})
LIKED = ("caption", "jpg", "liked")


def read_pairs(path: Path, size: int, limit: int) -> list[PreferencePair]:
    """The first ``limit`` pairs of a Parquet file in Pick-a-Pic's layout, scaled and cropped to ``size`` pixels.

    It needs ``caption``, ``jpg_0`` and ``jpg_1`` (a picture file's bytes, or a struct with ``bytes``) and ``label_0``; ties
    are left out. Where there is no ``source``, the file is it.

    Raises:
        InputError: no such file, another layout, a picture that cannot be read or is too small, ties only.
    """
    ties, pairs = 0, []
    for row in _rows(path, COLUMNS):
        label = row["label_0"]
        if label not in (0, 1):
            ties += 1
            continue
        pairs.append(_pair(row, size, path))
        if len(pairs) == limit:
            break
    if not pairs and ties:
        raise InputError(
            f"All {ties} pairs in '{path.name}' are ties: there is nothing to prefer; choose another file."
        )
    return pairs


def write_pairs(path: Path, pairs: Iterable[PreferencePair]) -> None:
    """Writes pairs in the layout that ``read_pairs`` reads, pictures lossless; the file is whole or not there."""
    rows = [
        {
            "caption": pair.prompt.text,
            "has_label": True,
            "jpg_0": _png(pair.win),
            "jpg_1": _png(pair.lose),
            "label_0": 1.0,
            "label_1": 0.0,
            "weight": pair.weight,
            "source": pair.source,
            "key_0": pair.win_key,
            "key_1": pair.lose_key,
            "votes": [origin_row(vote) for vote in pair.votes],
        }
        for pair in pairs
    ]
    write_rows(path, rows, LAYOUT)


def origin_row(vote: VoteOrigin) -> dict[str, Any]:
    """A vote of a row's ``votes``, in a pair whose first picture is the winner of ``VoteOrigin``."""
    return {"survey": vote.survey, "trial": vote.trial, "label_0": vote.agrees}


def _pair(row: Mapping[str, Any], size: int, path: Path) -> PreferencePair:
    """A row that is no tie, seen from its winner."""
    win, lose = (0, 1) if row["label_0"] == 1 else (1, 0)
    pictures = [_picture(row[name], size, path) for name in ("jpg_0", "jpg_1")]
    keys = [str(row.get(name) or "") for name in ("key_0", "key_1")]
    votes = tuple(
        VoteOrigin(str(vote["survey"]), str(vote["trial"]), abs(float(vote["label_0"]) - win))
        for vote in row.get("votes") or ()
    )
    return PreferencePair(
        Prompt(str(row["caption"])),
        pictures[win],
        pictures[lose],
        str(row.get("source") or f"dataset:{path.stem}"),
        float(row.get("weight") or 1.0),
        keys[win],
        keys[lose],
        votes,
    )


def read_examples(path: Path, size: int, limit: int) -> list[Example]:
    """The first ``limit`` labelled pictures of a Parquet file with the columns ``caption``, ``jpg`` and ``liked``."""
    examples = []
    for row in _rows(path, LIKED):
        picture = _picture(row["jpg"], size, path)
        examples.append(
            Example(Prompt(str(row["caption"])), picture, float(row.get("weight") or 1.0), bool(row["liked"]))
        )
        if len(examples) == limit:
            break
    return examples


def write_examples(path: Path, examples: Iterable[Example]) -> None:
    """Writes labelled pictures as ``read_examples`` reads them; the file is whole or not there."""
    rows = [
        {"caption": one.prompt.text, "jpg": _png(one.picture), "liked": one.desirable, "weight": one.weight}
        for one in examples
    ]
    write_rows(path, rows)


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]], schema: pa.Schema | None = None) -> None:
    """Writes rows as Parquet (``LAYOUT`` for pairs), whole or not at all; without rows there is no file."""
    if not rows:
        path.unlink(missing_ok=True)
        return
    with whole_file(path) as draft:
        pq.write_table(pa.Table.from_pylist(list(rows), schema), draft, compression="zstd")


def _png(picture: Tensor) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture.permute(1, 2, 0).cpu().numpy()).save(buffer, "PNG")
    return buffer.getvalue()


def _rows(path: Path, needed: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows, read a few at a time: such files hold gigabytes."""
    try:
        with pq.ParquetFile(path) as file:
            missing = [name for name in needed if name not in file.schema_arrow.names]
            if missing:
                raise InputError(
                    f"'{path.name}' is not in Pick-a-Pic's layout ({', '.join(missing)} missing): it needs the columns "
                    f"{', '.join(needed)}."
                )
            columns = [name for name in (*needed, *OURS) if name in file.schema_arrow.names]
            for part in file.iter_batches(batch_size=16, columns=columns):
                yield from part.to_pylist()
    except FileNotFoundError as error:
        raise InputError(f"There is no Parquet file '{path}': check the path.") from error
    except (pa.ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"'{path.name}' cannot be read as a Parquet file ({reason}): copy it again.") from error


def _picture(value: Any, size: int, path: Path) -> Tensor:
    data = value.get("bytes") if isinstance(value, dict) else value
    if not data:
        raise InputError(f"A pair in '{path.name}' has no picture: leave such rows out of the file.")
    try:
        picture = Image.open(io.BytesIO(data)).convert("RGB")
    except (UnidentifiedImageError, OSError, TypeError) as error:
        raise InputError(f"A picture in '{path.name}' cannot be read ({error}): leave its row out.") from error
    return to_size(picture, size, path.name)


def to_size(picture: Image.Image, size: int, where: str) -> Tensor:
    """A picture scaled and cropped at its centre to ``size`` pixels, as UInt8[3 size size]; smaller ones are refused."""
    if min(picture.size) < size:
        raise InputError(
            f"A picture in '{where}' is {picture.width} x {picture.height} pixels, and this backbone needs at least "
            f"{size} x {size}: choose larger pictures."
        )
    if picture.size != (size, size):
        picture = ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()
