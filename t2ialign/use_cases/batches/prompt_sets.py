"""Prompt sets from files: our own text files, and the layouts in which the field publishes its own.

- ``.txt``: one prompt a line; a line ``# words`` names the category of those below it (T2I-CompBench, DrawBench, ours).
- ``.tsv``, ``.csv``: a header with ``prompt`` and, where there is one, ``category`` (PartiPrompts), in any case.
- ``.jsonl``: an object a line with ``prompt`` and ``category`` or ``tag`` (GenEval).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from pathlib import Path

from t2ialign import settings
from t2ialign.types import InputError, Prompt

FOLDER = settings.DATA / "prompts"


def names() -> list[str]:
    """The shipped prompt sets, by file name without its ending."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def load(name_or_path: str) -> tuple[Prompt, ...]:
    """A shipped set by name or any file by path; duplicates are dropped.

    Raises:
        InputError: no such set or file, an unknown layout, or no prompt in it.
    """
    path = FOLDER / f"{name_or_path}.txt" if name_or_path in names() else Path(name_or_path)
    if not path.is_file():
        raise InputError(f"There is no prompt set or file '{name_or_path}'; the shipped sets are {', '.join(names())}.")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"'{path.name}' is not a prompt file; use {', '.join(_READERS)}.")
    try:
        prompts = dict.fromkeys(reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, csv.Error) as error:
        raise InputError(f"'{path.name}' could not be read as a {path.suffix} prompt file ({error}).") from error
    if not prompts:
        raise InputError(f"'{path.name}' holds no prompt; write one a line.")
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


def _read_text(lines: list[str]) -> Iterable[Prompt]:
    category = ""
    for line in lines:
        if line.startswith("#"):
            category = line.lstrip("# ").strip()
        elif line.strip():
            yield Prompt(line.strip(), category)


def _read_table(delimiter: str) -> Callable[[list[str]], Iterable[Prompt]]:
    def read(lines: list[str]) -> Iterable[Prompt]:
        for row in csv.DictReader(lines, delimiter=delimiter):
            fields = {(name or "").lower(): value or "" for name, value in row.items()}
            yield Prompt(fields["prompt"].strip(), fields.get("category", "").strip())

    return read


def _read_json_lines(lines: list[str]) -> Iterable[Prompt]:
    for line in lines:
        if line.strip():
            record = json.loads(line)
            yield Prompt(record["prompt"].strip(), str(record.get("category") or record.get("tag") or ""))


_READERS = {".txt": _read_text, ".tsv": _read_table("\t"), ".csv": _read_table(","), ".jsonl": _read_json_lines}
