"""Dose and response: how far metrics move with a pressure, each as a share of what it was at the weakest dose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from t2ialign.charts.changes import signed_words
from t2ialign.charts.intervals import error_bars, number
from t2ialign.charts.theme import empty_figure, faded, figure, ink, styles
from t2ialign.metrics import METRICS
from t2ialign.tradeoff.doses import Response
from t2ialign.types import Interval

EMPTY = "Three doses on the same prompts make a response."


def doses_figure(found: Sequence[Response], dark: bool = False) -> go.Figure:
    """A line a metric and model; the slope stands in its name, the values at the pointer."""
    if not found:
        return empty_figure(EMPTY, dark, height=220)
    colors, chart = ink(dark), figure(dark, height=440)
    chart.add_hline(0, line={"color": colors.line, "width": 1})
    names = [_name(one, found) for one in found]
    look = styles(names, dark)
    for one, name in zip(found, names):
        style, first = look[name], one.values[0].mean
        shares = [_share(change, first) for change in one.changes]
        chart.add_scatter(
            name=escape(f"{name}: {signed_words(one.slope)} per {one.per}"),
            x=list(one.doses),
            y=[share.mean for share in shares],
            mode="lines+markers",
            line={"color": style.color, "width": 2, "dash": style.dash},
            marker={"color": style.color, "symbol": style.symbol, "size": style.size},
            error_y=error_bars(shares, faded(style.color, 0.4)),
            hovertext=[_hover(one, name, place) for place in range(len(one.doses))],
            customdata=[[config.key] for config in one.configs],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    log = all(dose > 0 for one in found for dose in one.doses) and found[0].pressure == "CFG"
    ticks = sorted({dose for one in found for dose in one.doses})
    chart.update_xaxes(title={"text": f"<b>{escape(found[0].pressure)}</b>"}, type="log" if log else "linear")
    if len(ticks) <= 12:
        chart.update_xaxes(tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks])
    chart.update_yaxes(title={"text": "<b>Change from the weakest dose</b>"}, tickformat="+.0%")
    return chart


def _name(one: Response, found: Sequence[Response]) -> str:
    """The metric, with the model where several are drawn."""
    title = METRICS[one.metric].title
    return f"{title}, {one.who}" if len({other.line for other in found}) > 1 else title


def _share(change: Interval, first: float) -> Interval:
    """Of the weakest dose's value; unknown where that is 0."""
    if first == 0 or math.isnan(first):
        return Interval(math.nan, math.nan, math.nan)
    ends = [end / abs(first) for end in (change.lo, change.hi)]
    return Interval(change.mean / abs(first), min(ends), max(ends))


def _hover(one: Response, name: str, place: int) -> str:
    return (
        f"<b>{escape(name)}</b> at {one.pressure} {one.doses[place]:g}<br>{number(one.values[place].mean)}"
        f"<br>{signed_words(one.changes[place])} from {one.doses[0]:g}<br>{one.prompts} prompts"
    )
