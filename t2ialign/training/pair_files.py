"""Preferences in Parquet files: pairs in Pick-a-Pic's layout, and single pictures with a label."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from t2ialign.training.selection import Example
from t2ialign.types import InputError, PreferencePair, Prompt

COLUMNS = ("caption", "jpg_0", "jpg_1", "label_0")  # label_1 is 1 - label_0; a tie is 0.5
WEIGHT = "weight"  # a column of our own: a pair's share of the loss, 1 where there is none
LIKED = ("caption", "jpg", "liked")


def read_pairs(path: Path, size: int, limit: int) -> list[PreferencePair]:
    """The first ``limit`` pairs of a Parquet file in Pick-a-Pic's layout, scaled and cropped to ``size`` pixels.

    Columns: ``caption``, ``jpg_0`` and ``jpg_1`` (a picture file's bytes, or a struct with ``bytes``), ``label_0`` (1, 0,
    or 0.5 for a tie, which is left out), and ours, ``weight``.

    Raises:
        InputError: no such file, another layout, a picture that cannot be read or is too small, ties only.
    """
    ties, pairs = 0, []
    for row in _rows(path, COLUMNS):
        label = row["label_0"]
        if label not in (0, 1):
            ties += 1
            continue
        pictures = [_picture(row[name], size, path) for name in ("jpg_0", "jpg_1")]
        win, lose = pictures if label == 1 else reversed(pictures)
        weight = float(row.get(WEIGHT) or 1.0)
        pairs.append(PreferencePair(Prompt(str(row["caption"])), win, lose, f"dataset:{path.stem}", weight))
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
            "jpg_0": _png(pair.win),
            "jpg_1": _png(pair.lose),
            "label_0": 1.0,
            "label_1": 0.0,
            WEIGHT: pair.weight,
        }
        for pair in pairs
    ]
    _write(path, rows)


def read_examples(path: Path, size: int, limit: int) -> list[Example]:
    """The first ``limit`` labelled pictures of a Parquet file with the columns ``caption``, ``jpg`` and ``liked``."""
    examples = []
    for row in _rows(path, LIKED):
        picture = _picture(row["jpg"], size, path)
        examples.append(
            Example(Prompt(str(row["caption"])), picture, float(row.get(WEIGHT) or 1.0), bool(row["liked"]))
        )
        if len(examples) == limit:
            break
    return examples


def write_examples(path: Path, examples: Iterable[Example]) -> None:
    """Writes labelled pictures as ``read_examples`` reads them; the file is whole or not there."""
    rows = [
        {"caption": one.prompt.text, "jpg": _png(one.picture), "liked": one.desirable, WEIGHT: one.weight}
        for one in examples
    ]
    _write(path, rows)


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes a file; without rows there is none."""
    if not rows:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        pq.write_table(pa.Table.from_pylist(list(rows)), draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


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
            columns = [name for name in (*needed, WEIGHT) if name in file.schema_arrow.names]
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
