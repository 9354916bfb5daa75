"""Prompt sets from files: our own text files, and the layouts in which the field publishes its own.

- ``.txt``: one prompt a line; a line ``# words`` names the category of those below it (T2I-CompBench, DrawBench, ours).
- ``.csv``: a header with ``prompt`` and, where there is one, ``category``, in any case; quoted cells may have line breaks.
- ``.tsv``: the same between tabs and without any quoting, as PartiPrompts is published.
- ``.jsonl``: an object a line with ``prompt`` and ``category`` or ``tag`` (GenEval).
- ``.parquet``: the columns of a ``.csv``, as the Hub's datasets have them.

White space within a prompt, line breaks included, is one space: models see no difference.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from t2ialign import settings
from t2ialign.files import Say, columns_hint, foreign, text_of, unsaid
from t2ialign.limits import clean_prompt
from t2ialign.types import InputError, Prompt

FOLDER = settings.DATA / "prompts"
Found = tuple[int, Prompt]
"""The number of a line and its prompt, whose text may be empty."""


def names() -> list[str]:
    """The shipped prompt sets, by file name without its ending."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def load(name_or_path: str, say: Say = unsaid) -> tuple[Prompt, ...]:
    """A shipped set by name or any file by path; ``say`` hears how many duplicates and empty rows were left out.

    Raises:
        InputError: no such set or file, an unknown layout, a row that is not in it, or no prompt in it.
    """
    path = FOLDER / f"{name_or_path}.txt" if name_or_path in names() else settings.expanded(name_or_path)
    with foreign(f"There is no prompt set or file {name_or_path[:80]!r}", "check the path"):
        found = path.is_file()
    if not found:
        raise InputError(f"There is no prompt set or file '{name_or_path}'; the shipped sets are {', '.join(names())}.")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"'{path.name}' is not a prompt file; use {', '.join(_READERS)}.")
    with foreign(f"'{path.name}' could not be read as a {path.suffix} prompt file", "mend it, or save it as UTF-8"):
        numbered = reader(path.read_bytes())
        rows = [Prompt(_tidy(prompt.text, line), _tidy(prompt.category, line)) for line, prompt in numbered]
    said = [prompt for prompt in rows if prompt.text]
    prompts = dict.fromkeys(said)
    if not prompts:
        raise InputError(f"'{path.name}' holds no prompt; write one a line.")
    for count, what in ((len(rows) - len(said), "no prompt"), (len(said) - len(prompts), "one that came before")):
        if count:
            say(f"{count} of {len(rows)} rows of '{path.name}' have {what} and were left out.")
    return tuple(prompts)


def write(path: Path, prompts: Iterable[Prompt]) -> None:
    """Writes prompts as a text file with category headings."""
    lines: list[str] = []
    category = None
    for prompt in prompts:
        if prompt.category != category:
            category = prompt.category
            lines += ["", f"# {category}"] if lines else [f"# {category}"]
        lines.append(prompt.text)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _tidy(text: str, line: int) -> str:
    return clean_prompt(text, f"text in line {line}")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; only line feeds end one, because prompts may hold U+2028 and its like."""
    return enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1)


def _read_text(text: str) -> Iterator[Found]:
    category = ""
    for number, line in _lines(text):
        if line.startswith("#"):
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
    columns = [name.strip().lower() for name in header]
    if "prompt" not in columns:
        raise ValueError(f"its first line names no column 'prompt'{columns_hint(','.join(header))}")
    for number, cells in rows:
        if len(cells) > len(columns):
            raise ValueError(f"line {number} has {len(cells)} values for {len(columns)} columns")
        if any(map(str.strip, cells)):
            fields = dict(zip(columns, cells))
            yield number, Prompt(fields.get("prompt", ""), fields.get("category", ""))


def _read_json_lines(text: str) -> Iterator[Found]:
    for number, line in _lines(text):
        if not line.strip():
            continue
        record = json.loads(line)
        if not (isinstance(record, dict) and "prompt" in record and isinstance(record["prompt"], str | None)):
            raise ValueError(f"line {number} is no object with a text as its prompt")
        yield number, Prompt(record["prompt"] or "", str(record.get("category") or record.get("tag") or ""))


def _read_parquet(data: bytes) -> Iterator[Found]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(pa.BufferReader(data))
    columns = {name.strip().lower(): name for name in table.column_names}
    if "prompt" not in columns:
        raise ValueError("it has no column 'prompt'")
    kinds = [name for name in ("category", "tag") if name in columns]
    wanted = [columns[name] for name in ("prompt", *kinds[:1])]
    for number, row in enumerate(table.select(wanted).to_pylist(), 1):
        text, *kind = (row[name] for name in wanted)
        if not isinstance(text, str | None):
            raise ValueError(f"row {number} has no text as its prompt")
        yield number, Prompt(text or "", str(kind[0]) if kind and kind[0] is not None else "")


def _of_text(read: Callable[[str], Iterator[Found]]) -> Callable[[bytes], Iterator[Found]]:
    return lambda data: read(text_of(data))


_READERS: dict[str, Callable[[bytes], Iterator[Found]]] = {
    ".txt": _of_text(_read_text),
    ".tsv": _of_text(_read_tsv),
    ".csv": _of_text(_read_csv),
    ".jsonl": _of_text(_read_json_lines),
    ".parquet": _read_parquet,
}
