"""The batches that someone is looking at, drawn over the trade-off chart: one prompt each, ringed, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from t2ialign.charts.intervals import error_bars, in_words
from t2ialign.charts.labels import LETTER, Box, Label, place
from t2ialign.charts.theme import faded, ink, styles
from t2ialign.charts.tradeoff import room
from t2ialign.types import Metric, TradeoffPoint

LABEL = "this prompt"
BOX = Box(300, 260)  # the small chart's area, about
RING, ABOVE = 18.0, 28.0  # pixels from a ring's middle to its name, beside it and above it


def add_current(
    chart: go.Figure,
    points: Sequence[TradeoffPoint],
    x_metric: Metric,
    y_metric: Metric,
    dark: bool = False,
    order: Sequence[str] = (),
) -> go.Figure:
    """Adds points of single prompts to a trade-off chart; ``customdata[0]`` is their config's key, as of all points.

    They stand beside the points over many prompts, never among them: their own ring, label and interval over seeds.
    """
    known = [point for point in points if math.isfinite(point.x.mean) and math.isfinite(point.y.mean)]
    if not known:
        return chart
    look = styles([*order, *(point.config.checkpoint for point in known)], dark)
    for point in known:
        style = look[point.config.checkpoint]
        bars = faded(style.color, 0.8)
        chart.add_scatter(
            x=[point.x.mean],
            y=[point.y.mean],
            error_x=error_bars([point.x], bars, 2),
            error_y=error_bars([point.y], bars, 2),
            mode="markers",
            marker={"color": style.color, "symbol": style.symbol, "size": style.size + 3},
            customdata=[[point.config.key]],
            hovertext=_hover(point, x_metric, y_metric),
            hovertemplate="%{hovertext}<extra></extra>",
            showlegend=False,
            cliponaxis=False,
        )
    chart.add_scatter(
        x=[point.x.mean for point in known],
        y=[point.y.mean for point in known],
        mode="markers",
        marker={"symbol": "circle-open", "size": 26, "color": ink(dark).text, "line": {"width": 2.5}},
        hoverinfo="skip",  # clicks go to the point inside
        showlegend=False,
        cliponaxis=False,
    )
    ends = [end for point in known for end in (point.y.lo, point.y.hi) if math.isfinite(end)]
    chart.update_yaxes(autorangeoptions=room([*ends, *(y for trace in chart.data for y in trace.y or ())]))
    names = [LABEL] if len(known) == 1 else [point.config.checkpoint for point in known]
    for point, name, (x, y) in zip(known, names, _places(known, names)):
        _name(chart, point, name, (x, y), dark)
    return chart


def _places(points: Sequence[TradeoffPoint], names: Sequence[str]) -> list[tuple[float, float]]:
    """By how many pixels each name is moved off its ring: clear of the others where there is room, else above."""
    at = [(point.x.mean, point.y.mean) for point in points]
    labels = [Label(name, x, y) for name, (x, y) in zip(names, at)]
    found = {id(placed.label): placed for placed in place(labels, at, BOX)} if len(points) > 1 else {}
    shifts = []
    for label in labels:
        placed = found.get(id(label))
        side = {"left": 1, "center": 0, "right": -1}[placed.xanchor] if placed else 0
        level = {"bottom": 1, "middle": 0, "top": -1}[placed.yanchor] if placed else 1
        shifts.append((side * (RING + LETTER * len(label.text) / 2), level * ABOVE))
    return shifts


def _name(chart: go.Figure, point: TradeoffPoint, name: str, shift: tuple[float, float], dark: bool) -> None:
    """The ringed point's name on a card of its own, so that its interval does not strike it through."""
    colors = ink(dark)
    chart.add_annotation(
        text=f"<b>{escape(name)}</b>",
        x=point.x.mean,
        y=point.y.mean,
        xshift=shift[0],
        yshift=shift[1],
        showarrow=False,
        bgcolor=colors.paper if name == LABEL else None,
        borderpad=2,
        font={"size": 12, "color": colors.text},
    )


def _hover(point: TradeoffPoint, x_metric: Metric, y_metric: Metric) -> str:
    lines = [
        f"<b>{escape(point.config.checkpoint)}</b> at CFG {point.config.guidance_scale:g}, {LABEL} alone",
        f"{x_metric.title}: {in_words(point.x)}",
        f"{y_metric.title}: {in_words(point.y)}",
        f"{point.seeds} seeds",
    ]
    return "<br>".join(lines)
