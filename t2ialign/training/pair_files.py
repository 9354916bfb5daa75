"""Preferences in Parquet and JSONL files: pairs in Pick-a-Pic's layout, and single pictures with a label.

A JSONL file has the same columns, an object a line; its pictures are paths relative to the file, or their bytes in base64
(``data:image/png;base64,...`` too). What a row says is read and checked by the same code in both.

``jpg_0`` and ``jpg_1`` hold picture files (readers go by the bytes, not by the name). ``label_0`` is 1 where the first was
preferred, 0 where the second was, 0.5 for a tie; ``label_1`` is the rest. Columns of our own, which other files lack: a
pair's ``weight`` in the loss, its ``source``, its pictures' keys in the store, and the votes that it stands for.
"""

from __future__ import annotations

import base64
import io
import json
import math
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image, ImageOps
from torch import Tensor

from t2ialign.files import PICTURES, Say, foreign, unsaid, whole_file
from t2ialign.limits import clean_prompt
from t2ialign.pictures import read_picture
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
LABELLED = pa.schema(
    {
        "caption": pa.string(),
        "jpg": pa.binary(),
        "liked": pa.bool_(),
        "weight": pa.float64(),
        "key": pa.string(),
        "votes": pa.list_(pa.struct({"survey": pa.string(), "trial": pa.string(), "liked": pa.float64()})),
    }
)
PREFERENCE = ("label_1", "has_label")
JSONL = (".jsonl", ".ndjson", ".json")
LONGEST_PATH = 4096  # characters; what is longer is no path on any system


def read_pairs(path: Path, size: int, limit: int, say: Say = unsaid) -> list[PreferencePair]:
    """The first ``limit`` pairs of a Parquet or JSONL file in Pick-a-Pic's layout, scaled and cropped to ``size`` pixels.

    It needs ``caption``, ``jpg_0`` and ``jpg_1`` (a picture file's bytes, or a struct with ``bytes``) and ``label_0``. Rows
    that prefer nothing are left out: ties, ``has_label`` false, missing labels, and a ``label_1`` that does not say the
    opposite; so are rows without a caption and rows whose two pictures are the same. Where there is no ``source``, the file
    is it. ``say`` hears how many rows were left out, and how many were not read because of ``limit``.

    Raises:
        InputError: no such file, another layout, a value that makes no sense, a picture that cannot be read or is too
            small, no preference at all.
    """
    left_out: Counter[str] = Counter()
    pairs: list[PreferencePair] = []
    for number, row in _rows(path, COLUMNS, PREFERENCE):
        where = f"row {number} of '{path.name}'"
        with foreign(f"Row {number} of '{path.name}' is no pair", "mend or remove it"):
            label = preference(row, where)
            if label is None or row.get("caption") is None:
                left_out["preference" if label is None else "caption"] += 1
                continue
            pair = _pair(row, label, size, path, where)
            if torch.equal(pair.win, pair.lose):
                left_out["difference between its pictures"] += 1
                continue
            pairs.append(pair)
        if len(pairs) == limit:
            _say_rest(path, number, say)
            break
    if not pairs and (left_out["preference"] or left_out["difference between its pictures"]):
        raise InputError(
            f"All {left_out.total()} pairs in '{path.name}' are ties, have no label or two equal pictures: there is nothing to "
            "prefer; choose another file."
        )
    for what, rows in left_out.items():
        say(f"{rows} of the rows read from '{path.name}' have no {what} and were left out.")
    return pairs


def preference(row: Mapping[str, Any], where: str) -> int | None:
    """Which picture of a row is preferred, 0 or 1; None where neither is.

    Raises:
        InputError: a label that is no number from 0 to 1.
    """
    labels = [_label(row.get(name), name, where) for name in ("label_0", "label_1")]
    if row.get("has_label") is False or labels[0] not in (0, 1):
        return None
    if row.get("label_1") is not None and labels[1] != 1 - labels[0]:
        return None
    return 0 if labels[0] == 1 else 1


def _label(value: Any, name: str, where: str) -> float:
    """A label as a number; NaN where it is missing."""
    if value is None:
        return math.nan
    if not isinstance(value, bool | int | float) or not (math.isnan(value) or 0 <= value <= 1):
        raise InputError(f"{name} in {where} must be a number from 0 to 1, not {str(value)[:40]!r}: mend it.")
    return float(value)


def _say_rest(path: Path, read: int, say: Say) -> None:
    total = _count(path)
    if total > read:
        say(
            f"'{path.name}' has {total} rows, and only the first {read} were read: raise the number of prompts or of pairs "
            "a prompt to read more."
        )


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


def _liking_row(vote: VoteOrigin, desirable: bool) -> dict[str, Any]:
    """The same for a labelled picture: how far this vote liked it, whatever the label says."""
    return {"survey": vote.survey, "trial": vote.trial, "liked": vote.agrees if desirable else 1 - vote.agrees}


def _origin(vote: Mapping[str, Any], said: str, majority: bool) -> VoteOrigin:
    """A vote of a row's ``votes``: what it ``said`` (0 to 1), beside what most of them did."""
    share = float(vote[said])
    return VoteOrigin(str(vote["survey"]), str(vote["trial"]), share if majority else 1 - share)


def _pair(row: Mapping[str, Any], win: int, size: int, path: Path, where: str) -> PreferencePair:
    """A row that prefers something, seen from its winner."""
    pictures = [_picture(row.get(name), size, path, where) for name in ("jpg_0", "jpg_1")]
    keys = [str(row.get(name) or "") for name in ("key_0", "key_1")]
    votes = tuple(_origin(vote, "label_0", win == 0) for vote in row.get("votes") or ())
    return PreferencePair(
        Prompt(_caption(row["caption"], where)),
        pictures[win],
        pictures[1 - win],
        str(row.get("source") or f"dataset:{path.stem}"),
        _weight(row.get("weight"), where),
        keys[win],
        keys[1 - win],
        votes,
    )


def _caption(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"The caption in {where} is no text but {str(value)[:40]!r}: mend it.")
    return clean_prompt(value, f"caption in {where}")


def _weight(value: Any, where: str) -> float:
    """What multiplies the loss; 1 where nothing is said."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return 1.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise InputError(f"The weight in {where} must be a number from 0 on, not {str(value)[:40]!r}: mend it.")
    return float(value)


def read_examples(path: Path, size: int, limit: int) -> list[Example]:
    """The first ``limit`` labelled pictures of a Parquet or JSONL file with the columns ``caption``, ``jpg`` and ``liked``.

    Columns of our own that it may have: ``weight``, the picture's ``key`` in the store, and the ``votes`` behind the label.
    """
    examples = []
    for number, row in _rows(path, LIKED, LABELLED.names):
        where = f"row {number} of '{path.name}'"
        with foreign(f"Row {number} of '{path.name}' is no labelled picture", "mend or remove it"):
            liked, caption = row.get("liked"), _caption(row.get("caption"), where)
            if not isinstance(liked, bool):
                raise InputError(f"'liked' in {where} must be true or false, not {str(liked)[:40]!r}: mend it.")
            picture, weight = _picture(row.get("jpg"), size, path, where), _weight(row.get("weight"), where)
            votes = tuple(_origin(vote, "liked", liked) for vote in row.get("votes") or ())
            examples.append(Example(Prompt(caption), picture, weight, liked, str(row.get("key") or ""), votes))
        if len(examples) == limit:
            break
    return examples


def write_examples(path: Path, examples: Iterable[Example]) -> None:
    """Writes labelled pictures as ``read_examples`` reads them; the file is whole or not there."""
    rows = [
        {
            "caption": one.prompt.text,
            "jpg": _png(one.picture),
            "liked": one.desirable,
            "weight": one.weight,
            "key": one.key,
            "votes": [_liking_row(vote, one.desirable) for vote in one.votes],
        }
        for one in examples
    ]
    write_rows(path, rows, LABELLED)


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


def _rows(path: Path, needed: Sequence[str], more: Sequence[str] = ()) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows with their numbers from 1 on, read a few at a time: such files hold gigabytes."""
    with foreign(f"'{path}' cannot be read", "choose another file"):
        there, kind = path.is_file(), "JSONL" if is_json(path) else "Parquet"
    if not there:
        raise InputError(f"There is no {kind} file '{path}': check the path.")
    mend = "write one object a line, in UTF-8" if kind == "JSONL" else "copy it again"
    rows = _json_rows(path, needed) if kind == "JSONL" else _parquet_rows(path, needed, more)
    while True:
        with foreign(f"'{path.name}' cannot be read as a {kind} file", mend):
            row = next(rows, None)
        if row is None:
            return
        yield row


def _parquet_rows(path: Path, needed: Sequence[str], more: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        _check_columns(path, needed, names)
        columns = [name for name in dict.fromkeys((*needed, *more, *OURS)) if name in names]
        batches = file.iter_batches(batch_size=16, columns=columns)
        yield from enumerate((row for part in batches for row in part.to_pylist()), 1)


def _json_rows(path: Path, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Objects by the number of their line; the first one shows the columns, later ones may leave out what they lack."""
    known = False
    for number, line in _json_lines(path):
        with foreign(f"Line {number} of '{path.name}' is no JSON", "write one object a line"):
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError(f"it is {line.strip()[:40]!r} and no object")
        if not known:
            _check_columns(path, needed, row)
        known = True
        yield number, row


def _json_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not empty; only line feeds end one, because captions may hold U+2028 and its like."""
    with path.open(encoding="utf-8-sig", newline="\n") as file:
        yield from ((number, line) for number, line in enumerate(file, 1) if line.strip())


def _count(path: Path) -> int:
    """How many rows a file has."""
    if is_json(path):
        return sum(1 for _ in _json_lines(path))
    with pq.ParquetFile(path) as file:
        return int(file.metadata.num_rows)


def is_json(path: Path) -> bool:
    """Whether a file is read as JSONL: by its name, unless its bytes say Parquet."""
    if path.suffix.lower() not in JSONL:
        return False
    with path.open("rb") if path.is_file() else nullcontext(io.BytesIO()) as file:
        return file.read(4) != b"PAR1"


def _check_columns(path: Path, needed: Sequence[str], names: Container[str]) -> None:
    missing = [name for name in needed if name not in names]
    if missing:
        raise InputError(
            f"'{path.name}' is not in Pick-a-Pic's layout ({', '.join(missing)} missing): it needs the columns "
            f"{', '.join(needed)}."
        )


def _picture(value: Any, size: int, path: Path, where: str) -> Tensor:
    data = (value.get("bytes") or value.get("path")) if isinstance(value, dict) else value
    if not data:
        raise InputError(f"{where} has no picture: leave such rows out of the file.")
    if isinstance(data, str):
        data = _picture_in_text(data, path, where)
    if not isinstance(data, bytes | Path):
        raise InputError(f"A picture in {where} is not a readable picture but {str(data)[:40]!r}: leave its row out.")
    return to_size(read_picture(data, f"A picture in {where}", "leave its row out"), size, where)


def _picture_in_text(text: str, path: Path, where: str) -> Path | bytes:
    """The file that a text names, relative to the file of pairs, or the bytes that it is in base64.

    Only files with a picture's ending are opened.
    """
    if not text.startswith("data:") and len(text) < LONGEST_PATH:
        named = (path.parent / text).resolve()
        if named.suffix.lower() in PICTURES:
            if not named.is_file():
                raise InputError(f"The picture '{text}' in {where} is not there: paths are relative to '{path.name}'.")
            return named
    try:
        return base64.b64decode(text.partition("base64,")[2] if text.startswith("data:") else text, validate=True)
    except ValueError as error:
        raise InputError(
            f"A picture in {where} is neither the path of a picture nor its bytes in base64 ({text[:40]!r}): mend it."
        ) from error


def to_size(picture: Image.Image, size: int, where: str) -> Tensor:
    """A picture scaled and cropped at its centre to ``size`` pixels, as UInt8[3 size size]; smaller ones are refused."""
    if min(picture.size) < size:
        raise InputError(
            f"A picture in {where} is {picture.width} x {picture.height} pixels, and this backbone needs at least "
            f"{size} x {size}: choose larger pictures."
        )
    if picture.size != (size, size):
        picture = ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()
