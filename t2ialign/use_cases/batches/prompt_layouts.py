"""Prompts out of files: our own text files, and the layouts in which the field publishes its own.

- ``.txt``: one prompt a line; a line ``# words`` names the category of those below it (T2I-CompBench, DrawBench, ours);
  ``#words`` is a prompt.
- ``.csv``: a header that names a column of prompts and, where there is one, of categories; quoted cells may have line breaks.
- ``.tsv``: the same between tabs and without any quoting, as PartiPrompts is published.
- ``.jsonl``: an object a line with the same names (GenEval's ``tag`` is its category), or a text a line.
- ``.json``: a list of texts or of such objects, or an object of lists by category (HPSv2); of such texts or objects by an id
  of theirs; and objects of these by category, one in the other (``style/anime``).
- ``.parquet``: the columns of a ``.csv``, as the Hub's datasets have them (DiffusionDB, Pick-a-Pic).

Names of columns are read in any case: ``PROMPT_NAMES`` and ``CATEGORY_NAMES``, the first that is there.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from t2ialign.files import columns_hint, text_of
from t2ialign.types import Prompt

Found = tuple[int, Prompt]
"""The number of a line and its prompt, whose text may be empty."""

PROMPT_NAMES = ("prompt", "prompts", "caption", "text")  # Pick-a-Pic says caption, DrawBench prompts
CATEGORY_NAMES = ("category", "tag", "dimension", "style")  # GenEval says tag


def read_rows(path: Path) -> Iterator[Found]:
    """The rows of a file as they come. Raises whatever a library makes of bytes that are none; ``ValueError`` names the row."""
    return READERS[path.suffix.lower()](path)


def _place(names: Iterable[str], wanted: Sequence[str]) -> str | None:
    """Of a file's own names the one that means the first of those wanted."""
    known = {name.strip().lower(): name for name in names}
    return next((known[name] for name in wanted if name in known), None)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; only line feeds end one, because prompts may hold U+2028 and its like."""
    return enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1)


def _read_text(text: str) -> Iterator[Found]:
    category = ""
    for number, line in _lines(text):
        if re.match(r"#+(\s|$)", line):
            category = line.lstrip("# ").strip()
        elif line.strip():
            yield number, Prompt(line, category)


def _read_csv(text: str) -> Iterator[Found]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    return _read_table((reader.line_num, cells) for cells in reader)


def _read_tsv(text: str) -> Iterator[Found]:
    return _read_table((number, line.split("\t")) for number, line in _lines(text))


def _read_table(rows: Iterator[tuple[int, list[str]]]) -> Iterator[Found]:
    """Rows below a header; empty lines are none, and cells beyond the header's would be a part of a prompt."""
    _, header = next(rows, (1, []))
    prompts, categories = _place(header, PROMPT_NAMES), _place(header, CATEGORY_NAMES)
    if prompts is None:
        raise ValueError(f"its first line names no column 'prompt'{columns_hint(','.join(header))}")
    for number, cells in rows:
        if len(cells) > len(header):
            raise ValueError(f"line {number} has {len(cells)} values for {len(header)} columns")
        if any(map(str.strip, cells)):
            fields = dict(zip(header, cells))
            yield number, Prompt(fields.get(prompts, ""), fields.get(categories or "", ""))


def _of_record(record: Any, what: str, category: str = "") -> Prompt:
    """A prompt from a JSON value: a text, or an object with one."""
    if isinstance(record, str):
        return Prompt(record, category)
    name = _place(record, PROMPT_NAMES) if isinstance(record, dict) else None
    if name is None or not isinstance(record[name], str | None):
        raise ValueError(f"{what} is no object with a text as its prompt")
    named = [str(record[kind]) for kind in (_place(record, (one,)) for one in CATEGORY_NAMES) if kind and record[kind]]
    return Prompt(record[name] or "", named[0] if named else category)


def _read_json_lines(text: str) -> Iterator[Found]:
    for number, line in _lines(text):
        if line.strip():
            yield number, _of_record(json.loads(line), f"line {number}")


def _read_json(text: str) -> Iterator[Found]:
    said = json.loads(text)
    if not isinstance(said, list | dict):
        raise ValueError("it is no list of prompts, and no object of such lists by category")
    for number, (record, category) in enumerate(_records(said, ()), 1):
        yield number, _of_record(record, f"entry {number}", category)


def _records(said: Any, around: tuple[str, ...]) -> Iterator[tuple[Any, str]]:
    """The prompts within a JSON value, each with its category: the names of what is ``around`` it, but for an id of its own."""
    category = "/".join(around)
    if isinstance(said, list):
        yield from ((one, category) for one in said)
    elif _holds(said) or not isinstance(said, dict):
        yield said, category
    elif all(isinstance(one, str) or _holds(one) for one in said.values()):
        yield from ((one, category) for one in said.values())
    elif all(isinstance(one, list | dict) for one in said.values()):
        for name, one in said.items():
            yield from [(one, category)] if _holds(one) else _records(one, (*around, name))
    else:
        raise ValueError(
            f"its object{f' {category!r}' if category else ''} holds what is neither prompts nor lists of them"
        )


def _holds(said: Any) -> bool:
    """Whether a JSON value is an object with a prompt."""
    name = _place(said, PROMPT_NAMES) if isinstance(said, dict) else None
    return name is not None and isinstance(said[name], str | None)


def _read_parquet(path: Path) -> Iterator[Found]:
    """Only the columns in question are read, piece by piece: beside them may lie gigabytes of pictures."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        columns = file.schema_arrow.names
        prompts, category = _place(columns, PROMPT_NAMES), _place(columns, CATEGORY_NAMES)
        if prompts is None:
            raise ValueError("it has no column 'prompt'")
        number = 0
        for piece in file.iter_batches(columns=[prompts, *([category] if category else [])]):
            for row in piece.to_pylist():
                number += 1
                text, kind = row[prompts], row[category] if category else None
                if not isinstance(text, str | None):
                    raise ValueError(f"row {number} has no text as its prompt")
                yield number, Prompt(text or "", "" if kind is None else str(kind))


def _of_text(read: Callable[[str], Iterator[Found]]) -> Callable[[Path], Iterator[Found]]:
    return lambda path: read(text_of(path.read_bytes()))


READERS: dict[str, Callable[[Path], Iterator[Found]]] = {
    ".txt": _of_text(_read_text),
    ".tsv": _of_text(_read_tsv),
    ".csv": _of_text(_read_csv),
    ".jsonl": _of_text(_read_json_lines),
    ".json": _of_text(_read_json),
    ".parquet": _read_parquet,
}
