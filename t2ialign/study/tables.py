"""Anybody's votes from long-format CSV: ratings (unit, rater, answer) and comparisons (left, right, outcome)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from t2ialign.study.agreement import Rating
from t2ialign.study.strengths import Duel
from t2ialign.types import InputError

OUTCOMES = ("left", "right", "tie")


def read_ratings(path: Path) -> list[Rating]:
    """Rows of unit, rater, answer. A row without an answer is one that was not given."""
    rows = _rows(path, ("unit", "rater", "answer"))
    for line, row in rows:
        if not row["unit"] or not row["rater"]:
            raise InputError(f"Line {line} of {path.name} has no unit or no rater.")
    return [Rating(row["unit"], row["rater"], row["answer"]) for _, row in rows if row["answer"]]


def read_duels(path: Path) -> list[Duel]:
    """Rows of left, right, outcome, and perhaps rater and prompt; the outcome is left, right or tie."""
    duels = []
    for line, row in _rows(path, ("left", "right", "outcome")):
        outcome = row["outcome"].lower()
        if outcome not in OUTCOMES:
            raise InputError(f"Line {line} of {path.name}: the outcome is left, right or tie, not {outcome[:40]!r}.")
        if not row["left"] or not row["right"] or row["left"] == row["right"]:
            raise InputError(f"Line {line} of {path.name} needs two different names, left and right.")
        duels.append(Duel(row["left"], row["right"], outcome, row.get("rater", ""), row.get("prompt", "")))  # type: ignore[arg-type]
    return duels


def _rows(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Rows with their line numbers; names and values are stripped, names in small letters."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = [name.strip().lower() for name in next(reader, [])]
            missing = [name for name in columns if name not in header]
            if missing:
                raise InputError(f"{path.name} has no column {', '.join(missing)}: it needs {', '.join(columns)}.")
            rows = list(_matched(path, reader, header))
    except OSError as error:
        raise InputError(f"{path} cannot be read: check the path.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path.name} is not a CSV in UTF-8: {error}.") from error
    if not rows:
        raise InputError(f"{path.name} has no rows.")
    return rows


def _matched(path: Path, reader: Iterator[list[str]], header: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    for line, cells in enumerate(reader, 2):
        if any(cell.strip() for cell in cells):
            if len(cells) != len(header):
                raise InputError(f"Line {line} of {path.name} has {len(cells)} values for {len(header)} columns.")
            yield line, dict(zip(header, (cell.strip() for cell in cells)))
