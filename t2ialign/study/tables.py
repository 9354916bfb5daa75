"""Anybody's votes from long-format CSV: ratings (unit, rater, answer) and comparisons (left, right, outcome).

What R, numpy, pandas and Python write where a value is missing (``MISSING``, in any case) is a missing value.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from t2ialign.files import Say, columns_hint, foreign, text_of, unsaid
from t2ialign.study.agreement import Rating
from t2ialign.study.strengths import Duel
from t2ialign.types import InputError

OUTCOMES = ("left", "right", "tie")
MISSING = frozenset(
    {"", "na", "n/a", "<na>", "#n/a", "nan", "-nan", "none", "null"}
)  # of pandas' list, what words can be
NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?")


def read_ratings(path: Path, say: Say = unsaid) -> list[Rating]:
    """Rows of unit, rater, answer. A row without an answer is one that was not given; ``say`` hears how many.

    Answers that are the same number are the same answer, as 1 and 1.0; raters likewise.
    """
    rows = _rows(path, ("unit", "rater", "answer"))
    for line, row in rows:
        if not _given(row["unit"]) or not _given(row["rater"]):
            raise InputError(f"Line {line} of {path.name} has no unit or no rater.")
    answered = [row for _, row in rows if _given(row["answer"])]
    _say_missing(path, "answer", len(rows) - len(answered), len(rows), say)
    return [Rating(row["unit"], _number(row["rater"]), _number(row["answer"])) for row in answered]


def read_duels(path: Path, say: Say = unsaid) -> list[Duel]:
    """Rows of left, right, outcome, and perhaps rater and prompt; the outcome is left, right or tie.

    A row without an outcome is left out; ``say`` hears how many.
    """
    rows = _rows(path, ("left", "right", "outcome"))
    duels = []
    for line, row in rows:
        outcome = row["outcome"].lower()
        if not row["left"] or not row["right"] or row["left"] == row["right"]:
            raise InputError(f"Line {line} of {path.name} needs two different names, left and right.")
        if not _given(outcome):
            continue
        if outcome not in OUTCOMES:
            raise InputError(f"Line {line} of {path.name}: the outcome is left, right or tie, not {outcome[:40]!r}.")
        rater, prompt = _number(_given(row.get("rater", ""))), _given(row.get("prompt", ""))
        duels.append(Duel(row["left"], row["right"], outcome, rater, prompt))  # type: ignore[arg-type]
    _say_missing(path, "outcome", len(rows) - len(duels), len(rows), say)
    return duels


def _given(value: str) -> str:
    """The value, or "" where it says that there is none."""
    return "" if value.lower() in MISSING else value


def _number(value: str) -> str:
    """A number in one way of writing it; anything else as it is."""
    return f"{Decimal(value).normalize():f}" if NUMBER.fullmatch(value) else value


def _say_missing(path: Path, what: str, missing: int, rows: int, say: Say) -> None:
    if missing:
        say(
            f"{missing} of {rows} rows of {path.name} have no {what} (nothing, NA, nan, None or null) and were left out: "
            "write it otherwise where that word is one."
        )


def _rows(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Rows with their line numbers; names and values are stripped, names in small letters."""
    try:
        text = path.read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: check the path.") from error
    with foreign(f"{path.name} is not a CSV in UTF-8", "save it as one"):
        reader = csv.reader(io.StringIO(text_of(text), newline=""), strict=True)
        header = [name.strip().lower() for name in next(reader, [])]
        missing = [name for name in columns if name not in header]
        if missing:
            hint = columns_hint(",".join(header))
            raise InputError(f"{path.name} has no column {', '.join(missing)}: it needs {', '.join(columns)}{hint}.")
        rows = list(_matched(path, reader, header))
    if not rows:
        raise InputError(f"{path.name} has no rows.")
    return rows


def _matched(path: Path, reader: Iterator[list[str]], header: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    for line, cells in enumerate(reader, 2):
        if any(cell.strip() for cell in cells):
            if len(cells) != len(header):
                raise InputError(f"Line {line} of {path.name} has {len(cells)} values for {len(header)} columns.")
            yield line, dict(zip(header, (cell.strip() for cell in cells)))
