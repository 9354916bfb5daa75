"""Distributions of a score by the rank that a judge gave: a rising line a rank, from the judge's best to its last."""

from __future__ import annotations

from html import escape

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from t2ialign.charts.audit import BAD, GOOD
from t2ialign.charts.theme import axis_title, figure, ink
from t2ialign.metrics import METRICS
from t2ialign.tradeoff.rank_curves import RankCurves

BETWEEN = {False: "#9AA1AC", True: "#7C8594"}  # seen on the page's own colour, unlike the middle of a heat map


def rank_curves_figure(found: RankCurves, dark: bool = False) -> go.Figure:
    """The first, middle and last rank stand in the legend; a click opens the config that all of it is of."""
    chart, last = figure(dark, height=420), found.pictures
    scale = [[0, GOOD[dark]], [0.5, BETWEEN[dark]], [1, BAD[dark]]]
    colors = sample_colorscale(scale, np.linspace(0, 1, last).tolist())
    shares = np.array(found.shares, dtype=np.float32)
    for place in reversed(range(last)):  # the best lies on top
        rank = place + 1
        chart.add_scatter(
            x=np.array(found.curves[place], dtype=np.float32),
            y=shares,
            mode="lines",
            name=f"rank {rank} of {last}",
            line={"color": colors[place], "width": 3 if rank in (1, last) else 1.3, "shape": "hv"},
            showlegend=rank in (1, (last + 1) // 2, last),
            legendrank=rank,
            customdata=[[found.config.key]] * len(shares),
            hovertemplate=f"Rank {rank} of {last}<br>%{{y:.0%}} of prompts have at most %{{x:.4g}}<extra></extra>",
        )
    judge = METRICS[found.judge].title
    chart.update_layout(legend={"title": {"text": f"By {escape(judge)}"}})
    chart.update_xaxes(title={"text": axis_title(METRICS[found.metric], ink(dark).muted)})
    chart.update_yaxes(title={"text": "<b>Share of prompts</b>"}, tickformat=".0%", range=[0, 1.02])
    return chart
