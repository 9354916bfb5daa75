"""The strength plane as two aligned heat maps: two metrics over CFG and a dial of strength, each with the other's contours."""

from __future__ import annotations

import math
from html import escape

import plotly.graph_objects as go

from t2ialign.charts import mark
from t2ialign.charts.audit import BAD, GOOD, MIDDLE
from t2ialign.charts.theme import empty_figure, figure, ink
from t2ialign.metrics import METRICS
from t2ialign.tradeoff.strength import StrengthPlane, Table


def strength_figure(plane: StrengthPlane | None, dark: bool = False) -> go.Figure:
    """Blue is the better end. Dotted contours on one map are places of the same value on the other."""
    if plane is None:
        return empty_figure(
            "A plane needs two weights, or two doses of training, and two CFG values.", dark, height=220
        )
    chart, colors = figure(dark, height=150 + 46 * len(plane.rows)), ink(dark)
    for side, (name, own, other) in enumerate(((plane.x, plane.xs, plane.ys), (plane.y, plane.ys, plane.xs)), 1):
        metric = METRICS[name]
        ends: list[tuple[float, str]] = [(0.0, BAD[dark]), (0.5, MIDDLE[dark]), (1.0, GOOD[dark])]
        axes = {"xaxis": f"x{side}" if side > 1 else "x", "yaxis": f"y{side}" if side > 1 else "y"}
        chart.add_heatmap(
            z=_shown(own),
            x=list(range(len(plane.scales))),
            y=list(range(len(plane.rows))),
            text=[["" if math.isnan(value) else f"{value:.2f}" for value in row] for row in own],
            texttemplate="%{text}",
            textfont={"size": 12, "color": colors.text},
            customdata=_places(plane),
            hovertemplate=f"%{{customdata[1]}}<br>{escape(metric.title)} %{{z:.3f}}<extra></extra>",
            colorscale=ends if metric.higher_is_better else [(1 - at, color) for at, color in reversed(ends)],
            showscale=False,
            xgap=2,
            ygap=2,
            **axes,
        )
        known = _between(_shown(other))
        if all(value is None for row in known for value in row):
            continue
        chart.add_contour(
            z=known,
            x=list(range(len(plane.scales))),
            y=list(range(len(plane.rows))),
            contours={"coloring": "none", "showlabels": True, "labelfont": {"size": 10, "color": colors.muted}},
            line={"color": colors.text, "width": 1.2, "dash": "dot"},
            ncontours=6,
            showscale=False,
            hoverinfo="skip",
            connectgaps=False,
            **axes,
        )
    return _axes(chart, plane, dark)


def _places(plane: StrengthPlane) -> list[list[list[str]]]:
    """Of each place what a click opens, and where it is in words."""
    nothing = [[()] * len(plane.scales)] * len(plane.rows)
    return [
        [[mark.configs(keys), f"CFG {scale:g}, {plane.dial.at(row)}"] for keys, scale in zip(line, plane.scales)]
        for line, row in zip(plane.keys or nothing, plane.rows)
    ]


def _shown(table: Table) -> list[list[float | None]]:
    return [[None if math.isnan(value) else value for value in row] for row in table]


def _between(table: list[list[float | None]]) -> list[list[float | None]]:
    """The values of which a contour can be told: those of four places that are next to each other, all known."""
    kept: list[list[float | None]] = [[None] * len(row) for row in table]
    for row in range(len(table) - 1):
        for column in range(len(table[row]) - 1):
            block = [(row + down, column + right) for down in (0, 1) for right in (0, 1)]
            if all(table[r][c] is not None for r, c in block):
                for r, c in block:
                    kept[r][c] = table[r][c]
    return kept


def _axes(chart: go.Figure, plane: StrengthPlane, dark: bool) -> go.Figure:
    scales = {"tickvals": list(range(len(plane.scales))), "ticktext": [f"{scale:g}" for scale in plane.scales]}
    rows = {"tickvals": list(range(len(plane.rows))), "ticktext": [f"{row:.10g}" for row in plane.rows]}
    name = plane.dial.name[0].upper() + plane.dial.name[1:]
    bare = {"showgrid": False, "showline": False, "ticks": "", "zeroline": False, "automargin": True}
    chart.update_layout(
        xaxis={**scales, **bare, "domain": [0, 0.47], "title": {"text": "<b>CFG</b>"}},
        xaxis2={**scales, **bare, "domain": [0.53, 1], "title": {"text": "<b>CFG</b>"}, "anchor": "y2"},
        yaxis={**rows, **bare, "title": {"text": f"<b>{name}</b><br>{escape(plane.title)}"}},
        yaxis2={**rows, **bare, "anchor": "x2", "showticklabels": False},
        dragmode=False,
        margin={"t": 34},
        showlegend=False,
    )
    first = chart.layout.xaxis  # the look of charts names only the first axis
    chart.update_xaxes(tickfont=first.tickfont, title_font=first.title.font)
    for place, name in ((0.0, plane.x), (0.53, plane.y)):
        chart.add_annotation(
            text=f"<b>{escape(METRICS[name].title)}</b>",
            x=place,
            y=1,
            xref="paper",
            yref="paper",
            xanchor="left",
            yanchor="bottom",
            yshift=6,
            showarrow=False,
            font={"size": 13, "color": ink(dark).text},
        )
    return chart
