"""What people said, as charts of rows: how often each was chosen, how strong it is, which metric sees as people do."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap

import plotly.graph_objects as go

from t2ialign.charts.intervals import error_bars, in_words
from t2ialign.charts.theme import Style, empty_figure, faded, figure, ink, styles
from t2ialign.metrics import METRICS
from t2ialign.study.people import MetricAgreement
from t2ialign.study.selection import Rate
from t2ialign.study.strengths import Strengths
from t2ialign.types import Interval

ALL = "all prompts"
ROW = 34  # pixels
LABEL = 18  # letters in a line of a row's name: a phone has room for the chart as well
SPREAD = 0.62  # of a row's height, between its first and its last mark
EMPTY = "Nobody has answered yet: this chart fills while people do."


@dataclass(frozen=True)
class IntervalMark:
    """One interval in a row of a chart; ``words`` is what the pointer reads."""

    row: str
    name: str
    interval: Interval
    words: str


def rates_figure(rates: Sequence[Rate], group: str = "", dark: bool = False) -> go.Figure:
    """How often each contender was chosen where it was shown: one row a category, all of them first (MI-TUNE, table 7)."""
    marks = [
        IntervalMark(
            rate.category or ALL, rate.contender, rate.share, f"chosen {_percent(rate.share)} of {rate.shown} times"
        )
        for rate in rates
        if rate.group == group
    ]
    chart = _rows(marks, styles((mark.name for mark in marks), dark), dark)
    if marks:
        chart.update_xaxes(title={"text": "<b>Chosen where it was shown</b>"}, tickformat=".0%", range=[-0.02, 1.02])
    return chart


def strengths_figure(found: Strengths | None, dark: bool = False) -> go.Figure:
    """Strengths on the log-odds scale, the strongest first; 0 is the contenders' mean."""
    marks = [
        IntervalMark(
            one.name,
            one.name,
            one.strength,
            f"{in_words(one.strength)}: {one.wins} won, {one.losses} lost, {one.ties} tied",
        )
        for one in (found.contenders if found else ())
    ]
    chart = _rows(marks, styles(sorted(mark.name for mark in marks), dark), dark, legend=False)
    if found and marks:
        chart.update_xaxes(title={"text": f"<b>Strength</b> (log-odds, {found.model})"})
        chart.add_vline(x=0, line={"color": ink(dark).line, "width": 1})
    return chart


def metrics_figure(found: Sequence[MetricAgreement], dark: bool = False) -> go.Figure:
    """Kendall's tau between people and every metric, the best first; 0 is what chance gives."""
    if not found:
        return empty_figure("No metric has scored these pictures, or too few answers tell them apart.", dark, 160)
    titles = {one.metric: METRICS[one.metric].title if one.metric in METRICS else one.metric for one in found}
    marks = [
        IntervalMark(titles[one.metric], "metric", one.tau, f"{in_words(one.tau)} over {one.prompts} prompts")
        for one in found
    ]
    look = {"metric": Style(ink(dark).text, "circle")}
    chart = _rows(marks, look, dark, legend=False)
    chart.update_xaxes(title={"text": "<b>Kendall's tau with people</b>"}, range=[-1.05, 1.05])
    chart.add_vline(x=0, line={"color": ink(dark).line, "width": 1})
    return chart


def _rows(marks: Sequence[IntervalMark], look: Mapping[str, Style], dark: bool, legend: bool = True) -> go.Figure:
    """Intervals in rows, top to bottom in the order given; the marks of one row keep apart from each other."""
    known = [mark for mark in marks if math.isfinite(mark.interval.mean)]
    if not known:
        return empty_figure(EMPTY, dark, 160)
    rows = list(dict.fromkeys(mark.row for mark in known))
    names = list(dict.fromkeys(mark.name for mark in known))
    height = _height(known)
    chart = figure(dark, height=110 + round(height * len(rows)) + (24 * (1 + len(names) // 4) if legend else 0))
    place = _places(rows, names, known)
    for name in names:
        mine, style = [mark for mark in known if mark.name == name], look[name]
        chart.add_scatter(
            x=[mark.interval.mean for mark in mine],
            y=[place(mark) for mark in mine],
            name=escape(name),
            mode="markers",
            marker={"color": style.color, "symbol": style.symbol, "size": style.size},
            error_x=error_bars([mark.interval for mark in mine], faded(style.color, 0.6), thickness=2.5),
            hovertext=[f"<b>{escape(mark.name)}</b>, {escape(mark.row)}<br>{mark.words}" for mark in mine],
            hovertemplate="%{hovertext}<extra></extra>",
            showlegend=legend,
        )
    chart.update_yaxes(
        range=[len(rows) - 0.5, -0.5],
        tickvals=list(range(len(rows))),
        ticktext=["<br>".join(map(escape, wrap(row, LABEL, max_lines=2, placeholder=" …"))) for row in rows],
        showgrid=False,
        tickfont={"color": ink(dark).text, "size": 12},
        nticks=None,
    )
    return chart


def _height(marks: Sequence[IntervalMark]) -> float:
    most = max(sum(mark.row == one.row for mark in marks) for one in marks)
    return ROW + 11 * (most - 1)


def _places(
    rows: Sequence[str], names: Sequence[str], marks: Sequence[IntervalMark]
) -> Callable[[IntervalMark], float]:
    crowded = max(sum(mark.row == row for mark in marks) for row in rows) > 1
    step = SPREAD / max(len(names) - 1, 1) if crowded else 0.0
    return lambda mark: rows.index(mark.row) + step * (names.index(mark.name) - (len(names) - 1) / 2)


def _percent(share: Interval) -> str:
    if math.isnan(share.lo):
        return f"{share.mean:.0%}"
    return f"{share.mean:.0%} ({share.lo:.0%} to {share.hi:.0%})"
