"""Means with their 95 % intervals: as error bars for other charts, and as a chart of rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from t2ialign.charts.theme import axis_title, empty_figure, faded, figure, ink, styles
from t2ialign.types import Interval, Metric


def number(value: float) -> str:
    """Three significant digits, no exponent for everyday sizes: ``0.712``, ``12.3``, ``1234``."""
    if math.isnan(value):
        return "not scored"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def signed(value: float) -> str:
    """A difference: ``+0.0123``, with a true minus sign, and no exponent for everyday sizes."""
    sign = "+" if value > 0 else "−" if value < 0 else ""
    return f"{sign}{number(abs(value))}"


def in_words(interval: Interval) -> str:
    """``0.71 (0.66 to 0.75)``, or the mean alone where the interval is unknown."""
    if math.isnan(interval.lo) or math.isnan(interval.hi):
        return number(interval.mean)
    return f"{number(interval.mean)} ({number(interval.lo)} to {number(interval.hi)})"


def error_bars(intervals: Sequence[Interval], color: str, thickness: float = 1.2) -> dict[str, Any]:
    """Plotly's ``error_x`` or ``error_y`` from each mean to its bounds; no bar where a bound is unknown."""
    up = [interval.hi - interval.mean for interval in intervals]
    down = [interval.mean - interval.lo for interval in intervals]
    known = [math.isfinite(above) and math.isfinite(below) for above, below in zip(up, down, strict=True)]
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(0.0, value) if ok else 0.0 for value, ok in zip(up, known, strict=True)],
        "arrayminus": [max(0.0, value) if ok else 0.0 for value, ok in zip(down, known, strict=True)],
        "color": color,
        "thickness": thickness,
        "width": 0,
    }


def intervals_figure(rows: Mapping[str, Interval], metric: Metric, dark: bool = False) -> go.Figure:
    """One row a name with its mean and interval, top to bottom in the order given; rows without a mean are left out."""
    known = {name: interval for name, interval in rows.items() if math.isfinite(interval.mean)}
    if not known:
        return empty_figure(f"No scores of {metric.title} here yet.", dark, height=220)
    look = styles(known, dark)
    chart = figure(dark, height=110 + 36 * len(known))
    for name, interval in known.items():
        style = look[name]
        chart.add_scatter(
            x=[interval.mean],
            y=[escape(name)],
            mode="markers",
            marker={"color": style.color, "symbol": style.symbol, "size": style.size},
            error_x=error_bars([interval], faded(style.color, 0.6), thickness=2.5),
            hovertext=f"<b>{escape(name)}</b><br>{in_words(interval)}",
            hovertemplate="%{hovertext}<extra></extra>",
            showlegend=False,
        )
    chart.update_xaxes(title={"text": axis_title(metric, ink(dark).muted)})
    chart.update_yaxes(autorange="reversed", showgrid=False, tickfont={"color": ink(dark).text, "size": 12})
    return chart
