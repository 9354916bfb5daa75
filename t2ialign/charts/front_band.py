"""The band of the front, laid under a trade-off chart: the best diversity at a required alignment, and where it bends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from t2ialign.charts import mark
from t2ialign.charts.intervals import error_bars, in_words, number
from t2ialign.charts.theme import axis_title, empty_figure, faded, figure, ink
from t2ialign.metrics import METRICS
from t2ialign.tradeoff.front_band import Edge, Knee, Volume

BLUE = {False: "#0065A0", True: "#2F9BE6"}


def with_front_band(chart: go.Figure, edge: Edge | None, knee: Knee | None, dark: bool = False) -> go.Figure:
    """The chart with the band and the knee; where an edge has no interval, its line alone."""
    if edge is None:
        return chart
    color, levels = BLUE[dark], list(edge.levels)
    banded = [place for place, best in enumerate(edge.best) if math.isfinite(best.lo)]
    around = [levels[place] for place in (*banded, *reversed(banded))]
    ends = [edge.best[place].hi for place in banded] + [edge.best[place].lo for place in reversed(banded)]
    chart.add_scatter(
        x=around,
        y=ends,
        fill="toself",
        fillcolor=faded(color, 0.14),
        line={"width": 0},
        mode="lines",
        name="95 % band of the best",
        hoverinfo="skip",
    )
    said = [
        f"At {number(level)} or better<br>the most varied: {escape(config.checkpoint)} at CFG {config.guidance_scale:g}"
        f"<br>{in_words(best)}"
        for level, best, config in zip(levels, edge.best, edge.by)
    ]
    chart.add_scatter(
        x=levels,
        y=[best.mean for best in edge.best],
        mode="lines",
        line={"color": color, "width": 2, "dash": "dot", "shape": "vh"},
        name="The best at this alignment",
        customdata=[[config.key] for config in edge.by],
        hovertext=said,
        hovertemplate="%{hovertext}<extra></extra>",
    )
    if knee is not None:
        chart.add_annotation(
            x=knee.x,
            y=knee.y,
            text="knee",
            showarrow=True,
            arrowhead=2,
            ax=46,
            ay=-34,
            arrowcolor=ink(dark).text,
            font={"size": 12, "color": ink(dark).text},
        )
    return chart


def edge_figure(edge: Edge, dark: bool = False) -> go.Figure:
    """The best diversity at every required alignment on axes of its own, with the setting that has it where that changes."""
    chart = with_front_band(figure(dark, height=420), edge, None, dark)
    for place in [at for at in range(len(edge.by)) if at == len(edge.by) - 1 or edge.by[at] != edge.by[at + 1]]:
        config = edge.by[place]
        chart.add_annotation(
            x=edge.levels[place],
            y=edge.best[place].mean,
            text=escape(f"{config.checkpoint}, CFG {config.guidance_scale:g}"),
            showarrow=True,
            arrowhead=0,
            arrowcolor=ink(dark).line,
            ax=-18,
            ay=-30,
            xanchor="right",
            font={"size": 11, "color": ink(dark).muted},
        )
    chart.update_xaxes(title={"text": axis_title(METRICS[edge.x], ink(dark).muted)})
    chart.update_yaxes(title={"text": axis_title(METRICS[edge.y], ink(dark).muted)})
    return chart


def volumes_figure(found: Sequence[Volume], dark: bool = False) -> go.Figure:
    """A row a checkpoint: the share of the box that its settings dominate."""
    if not found:
        return empty_figure("An area needs settings that differ on both axes.", dark, height=220)
    chart, color = figure(dark, height=96 + 30 * len(found)), BLUE[dark]
    chart.add_scatter(
        x=[one.area.mean for one in found],
        y=[escape(one.checkpoint) for one in found],
        mode="markers",
        marker={"color": color, "size": 10},
        error_x=error_bars([one.area for one in found], faded(color, 0.6), thickness=2.5),
        customdata=[[mark.checkpoint(one.checkpoint)] for one in found],
        hovertext=[
            f"<b>{escape(one.checkpoint)}</b><br>{in_words(one.area)}<br>settings: {one.conditions}" for one in found
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
    )
    chart.update_xaxes(title={"text": "<b>Share of what lies between the worst and the best</b>"}, tickformat=".0%")
    return chart.update_yaxes(autorange="reversed", showgrid=False, dtick=1)  # every checkpoint has its name
