"""Our numbers beside the paper's: a line for each row and CFG, and below it the line that the paper prints."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from t2ialign.metrics import METRICS
from t2ialign.use_cases.protocols.plan import ProtocolPlan
from t2ialign.use_cases.protocols.protocol import DistanceTable, ProtocolColumn, ProtocolRow, ProtocolTable
from t2ialign.use_cases.protocols.run import ProtocolState, Scored

BASE = "base"  # the row that is the backbone itself


@dataclass(frozen=True)
class TableNumber:
    """A mean with its standard deviation over prompts, in the paper's unit; NaN: not measured or not published."""

    mean: float = math.nan
    sd: float = math.nan
    prompts: int = 0


@dataclass(frozen=True)
class TableLine:
    """One line of a table: ours at one CFG, or the paper's (``guidance_scale`` None)."""

    row: str
    title: str
    published: bool
    guidance_scale: float | None
    numbers: tuple[TableNumber, ...]


@dataclass(frozen=True)
class Filled:
    """A table with both, ready to print."""

    caption: str
    columns: tuple[str, ...]
    digits: tuple[int, ...]
    lines: tuple[TableLine, ...]


def fill(plan: ProtocolPlan, state: ProtocolState) -> tuple[Filled, ...]:
    """Every table of the protocol, then this project's own metrics, then distances where they were measured."""
    protocol = plan.protocol
    own = ProtocolTable("Beside it: what else could be measured here", tuple(_own(name) for name in plan.more))
    tables = [
        _filled(table, protocol.rows, state.scored) for table in (*protocol.tables, *([own] if plan.more else ()))
    ]
    if protocol.distances is not None and state.distances is not None:
        tables.append(_distances(protocol.distances, state))
    return tuple(tables)


def _own(name: str) -> ProtocolColumn:
    metric = METRICS[name]
    return ProtocolColumn(metric.title, name, up=metric.higher_is_better, digits=4)


def _filled(table: ProtocolTable, rows: Sequence[ProtocolRow], scored: Sequence[Scored]) -> Filled:
    lines: list[TableLine] = []
    trained: list[TableLine] = []
    for row in rows:
        if row.best:
            lines += _best(table, row, trained)
        for scale in dict.fromkeys(one.guidance_scale for one in scored if one.row == row.name):
            mine = [one for one in scored if (one.row, one.guidance_scale) == (row.name, scale)]
            numbers = tuple(_number(column, mine) for column in table.columns)
            lines.append(TableLine(row.name, row.title, False, scale, numbers))
            trained += lines[-1:] if row.method else []
        if row.name in table.published:
            said = (TableNumber(*_two(one)) for one in table.published[row.name])
            lines.append(TableLine(row.name, row.title, True, None, tuple(said)))
    titles = tuple(f"{column.title} {'↑' if column.up else '↓'}" for column in table.columns)
    return Filled(table.caption, titles, tuple(column.digits for column in table.columns), tuple(lines))


def _number(column: ProtocolColumn, scored: Sequence[Scored]) -> TableNumber:
    values = [
        column.shown(one.values[column.metric])
        for one in scored
        if column.category in ("", one.category) and not math.isnan(one.values.get(column.metric, math.nan))
    ]
    if not values:
        return TableNumber()
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    return TableNumber(float(np.mean(values)), sd, len(values))


def _best(table: ProtocolTable, row: ProtocolRow, trained: Sequence[TableLine]) -> list[TableLine]:
    """Column by column the best of the trained lines."""
    if not trained:
        return []
    found = []
    for index, column in enumerate(table.columns):
        here = [line.numbers[index] for line in trained if not math.isnan(line.numbers[index].mean)]
        ranked = sorted(here, key=lambda number: number.mean, reverse=column.up)
        found.append(ranked[0] if ranked else TableNumber())
    return [TableLine(row.name, row.title, False, None, tuple(found))]


def _distances(said: DistanceTable, state: ProtocolState) -> Filled:
    """A line a measure and origin; the columns are the base and the categories' checkpoints."""
    keys = [next((key for key in state.distances or {} if key[1] == name), ("", "")) for name in ("", *said.categories)]
    lines = []
    for measure in said.measures:
        ours = [(state.distances or {}).get(key, {}).get(measure) for key in keys]
        numbers = tuple(TableNumber() if one is None else TableNumber(one.mean) for one in ours)
        lines.append(TableLine(measure, measure, False, None, numbers))
        lines.append(
            TableLine(measure, measure, True, None, tuple(TableNumber(value) for value in said.published[measure]))
        )
    columns = ("base ↓", *(f"{name} ↓" for name in said.categories))
    return Filled(said.caption, columns, (3,) * len(columns), tuple(lines))


def lines(plan: ProtocolPlan, tables: Sequence[Filled], notes: Sequence[str]) -> Iterator[str]:
    """Markdown: ours and the paper's, one under the other."""
    yield f"# {plan.protocol.title}"
    yield ""
    yield f"{plan.protocol.paper}. Ours: {plan.entry.name}, mean ± standard deviation over prompts."
    yield ""
    for note in dict.fromkeys((*plan.protocol.notes, *map(str, plan.left_out), *notes)):
        yield f"- {note}"
    for table in tables:
        yield from ("", f"**{table.caption}**", "")
        yield f"| {' | '.join(['', 'CFG', *table.columns])} |"
        yield "|---" * (len(table.columns) + 2) + "|"
        for line in table.lines:
            scale = "" if line.guidance_scale is None else f"{line.guidance_scale:g}"
            cells = [_said(number, digits) for number, digits in zip(line.numbers, table.digits, strict=True)]
            title = f"*paper: {line.title}*" if line.published else plan.entry.name if line.row == BASE else line.title
            yield f"| {' | '.join([title, scale, *cells])} |"


def _said(number: TableNumber, digits: int) -> str:
    if math.isnan(number.mean):
        return ""
    spread = "" if math.isnan(number.sd) else f" ± {number.sd:.{digits}f}"
    return f"{number.mean:.{digits}f}{spread}"


def _two(number: tuple[float, ...]) -> tuple[float, float]:
    """A published mean with its standard deviation, NaN where the paper has none."""
    mean, sd = (*number, math.nan, math.nan)[:2]
    return mean, sd
