"""One strength plane of a benchmark set: its chart, its sentence, its numbers, and the menu of all that there are."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from t2ialign.tradeoff.strength import StrengthPlane, plane_of, planes
from t2ialign.use_cases.reports.chart_query import ChartQuery, ChartRow, MoreChart

NONE_HERE = (
    "A plane needs one adapter at two weights, or one training at two doses (its steps, rounds or beta), and two CFG values or "
    "more: sweep an adapter with --weights, or checkpoints that `align --keep-steps 50,150` keeps on its way."
)
GONE = "The plane that was asked for is not on this set as it is filtered; here is another. "


def by_strength(asked: ChartQuery, title: str, part: str = "") -> MoreChart:
    """The plane of the key ``part``; of none, or one that is not there, the first: the fullest of an adapter's weights."""
    found = planes(asked.cells((asked.x, asked.y)), asked.x, asked.y, asked.runs)
    if not found:
        return MoreChart(title, NONE_HERE)
    plane = plane_of(found, part)
    gone = GONE if part and plane is None else ""
    plane = plane or found[0]
    menu = tuple((one.label, one.key) for one in found)
    sentence = gone + _sentence(asked, plane) + _others(len(found) - 1)
    return MoreChart(title, sentence, plane, tuple(_rows(title, plane)), menu, plane.key)


def _sentence(asked: ChartQuery, plane: StrengthPlane) -> str:
    """The most varied place at the alignment that half of the places reach."""
    level = float(np.median([value for row in plane.xs for value in row if math.isfinite(value)]))
    best = plane.best(level, (asked.x.higher_is_better, asked.y.higher_is_better))
    wanted = f"Of {plane.title}, with {asked.x.title} of {level:.3g} or better"
    if best is None:
        return f"{wanted} no place is known with {asked.y.title}."
    scale, row, diversity = best
    return f"{wanted} the most varied is CFG {scale:g} at {plane.dial.at(row)}, with {diversity:.3g} ({asked.y.title})."


def _others(count: int) -> str:
    if not count:
        return ""
    return f" {count} other plane{' is' if count == 1 else 's are'} in the menu."


def _rows(title: str, plane: StrengthPlane) -> Iterator[ChartRow]:
    for name, table in ((plane.x, plane.xs), (plane.y, plane.ys)):
        for line, row in zip(table, plane.rows):
            for value, scale in zip(line, plane.scales):
                if math.isfinite(value):
                    yield ChartRow(title, name, plane.title, f"CFG {scale:g}, {plane.dial.at(row)}", value)
