"""A study's numbers as one long table, a row a number: for a spreadsheet or a paper's script."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from t2ialign.files import write_whole
from t2ialign.store.export import tamed
from t2ialign.study.counting import Counting
from t2ialign.study.results import VoteResults
from t2ialign.types import Interval

PREFERRED = "preferred"


@dataclass(frozen=True)
class ResultRow:
    """One number about ``one`` (against ``other``): what it is, its 95 % interval, and how many answers it rests on.

    ``p`` and ``holm`` (after correction over the study's pairs) where it is tested; NaN is an empty cell. ``confidence`` is
    the level that answers were restricted to, "" = all.
    """

    what: str
    one: str
    other: str
    category: str
    group: str
    confidence: str
    value: float
    lo: float
    hi: float
    answers: int
    p: float = math.nan
    holm: float = math.nan


def result_rows(found: VoteResults) -> Iterator[ResultRow]:
    """Selection rates, strengths, shares preferred head to head, and what was counted, in this order."""
    for rate in found.rates:
        yield _row("chosen", rate.contender, "", rate.share, rate.shown, rate.category, rate.group)
    for strong in found.strengths.contenders if found.strengths else ():
        yield _row("strength", strong.name, "", strong.strength, strong.wins + strong.losses + strong.ties)
    for pair in found.pairs:
        yield _row(PREFERRED, pair.one, pair.other, pair.share, pair.wins + pair.losses, p=pair.p, holm=pair.adjusted)
    if found.counting:
        yield from _counting_rows(found.counting)


def write_results(found: VoteResults, path: Path) -> Path:
    """The rows as CSV, with neutralised formulas."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [field.name for field in fields(ResultRow)], lineterminator="\n")
    writer.writeheader()
    for row in result_rows(found):
        writer.writerow({name: _cell(value) for name, value in asdict(row).items()})
    write_whole(path, buffer.getvalue().encode())
    return path


def _counting_rows(found: Counting) -> Iterator[ResultRow]:
    for mean in found.means:
        yield _row("kinds", mean.contender, "", mean.mean, mean.sets)
    for one in found.differences:
        yield _row("more kinds", one.one, one.other, one.difference, one.rounds, p=one.p, holm=one.adjusted)
    if found.pick:
        yield _row("more kinds picked", "", "", found.pick.share, found.pick.both)
    if found.alpha:
        yield _row("alpha of kinds", "", "", found.alpha.alpha, found.alpha.answers)
    for level in found.sureness:
        for pair in level.pairs:
            share, decided = pair.share, pair.wins + pair.losses
            yield _row(PREFERRED, pair.one, pair.other, share, decided, confidence=level.level)


def _row(
    what: str,
    one: str,
    other: str,
    value: Interval,
    answers: int,
    category: str = "",
    group: str = "",
    confidence: str = "",
    p: float = math.nan,
    holm: float = math.nan,
) -> ResultRow:
    return ResultRow(what, one, other, category, group, confidence, value.mean, value.lo, value.hi, answers, p, holm)


def _cell(value: str | float) -> str | float:
    if isinstance(value, str):
        return str(tamed(value))
    return "" if math.isnan(value) else value
