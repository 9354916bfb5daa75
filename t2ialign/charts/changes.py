"""Differences with their intervals, a row each, beside a line at no change."""

from __future__ import annotations

import math
from html import escape

import plotly.graph_objects as go

from t2ialign.charts.intervals import error_bars, signed
from t2ialign.charts.theme import DARK, LIGHT, empty_figure, faded, figure, ink
from t2ialign.metrics import METRICS
from t2ialign.tradeoff.research import Change, Changes
from t2ialign.types import Interval

ROW, HEAD = 30, 96


def changes_figure(found: Changes, dark: bool = False) -> go.Figure:
    """Full marks stand after correction, hollow ones do not; a row without a mean is left out."""
    rows = [row for row in found.rows if math.isfinite(row.value.mean)]
    if not rows:
        return empty_figure("No difference is known here yet.", dark, height=220)
    colors, chart = ink(dark), figure(dark, height=HEAD + ROW * len(rows))
    metric, color = METRICS[found.metric], (DARK if dark else LIGHT)[0]
    chart.add_vline(0, line={"color": colors.line, "width": 1})
    for stands, symbol in ((True, "circle"), (False, "circle-open")):
        part = [row for row in rows if row.stands == stands]
        chart.add_scatter(
            x=[row.value.mean for row in part],
            y=[escape(row.name) for row in part],
            mode="markers",
            marker={"color": color, "symbol": symbol, "size": 10, "line": {"width": 2, "color": color}},
            error_x=error_bars([row.value for row in part], faded(color, 0.6), thickness=2.5),
            hovertext=[_hover(row) for row in part],
            hovertemplate="%{hovertext}<extra></extra>",
            showlegend=False,
        )
    way = "more is " + (metric.better or {"alignment": "more faithful", "diversity": "more varied"}[metric.axis])
    way = way if metric.higher_is_better else way.replace("more is", "less is", 1)
    muted = f'<span style="font-size:12px;color:{colors.muted}">'
    title = f"<b>{escape(metric.title)}: {escape(found.of)}</b><br>{muted}{way} · full: stands after correction</span>"
    chart.update_xaxes(title={"text": title})
    names = [escape(row.name) for row in rows]
    chart.update_yaxes(
        autorange="reversed",
        categoryorder="array",
        categoryarray=names,
        showgrid=False,
        tickfont={"color": colors.text, "size": 12},
        dtick=1,
    )
    return chart


def _hover(row: Change) -> str:
    return f"<b>{escape(row.name)}</b><br>{signed_words(row.value)}"


def signed_words(gap: Interval) -> str:
    """``+0.12 (+0.05 to +0.19)``, or the mean alone where the ends are unknown."""
    if math.isnan(gap.lo):
        return signed(gap.mean)
    return f"{signed(gap.mean)} ({signed(gap.lo)} to {signed(gap.hi)})"
