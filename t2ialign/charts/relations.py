"""Kendall's tau between metrics as a heat map: blue where two say the same, orange where they say the opposite."""

from __future__ import annotations

import math

import plotly.graph_objects as go

from t2ialign.charts import mark
from t2ialign.charts.audit import BAD, GOOD, MIDDLE
from t2ialign.charts.intervals import in_words
from t2ialign.charts.theme import empty_figure, figure, ink
from t2ialign.metrics import METRICS
from t2ialign.tradeoff.relations import FEWEST, Relations

ROW, FOOT = 34, 190


def relations_figure(found: Relations, dark: bool = False) -> go.Figure:
    """A number in every cell that the question can be asked of; the interval at the pointer."""
    titles = [METRICS[name].title for name in found.metrics]
    asked = [[math.isfinite(tau.mean) and i != j for j, tau in enumerate(row)] for i, row in enumerate(found.taus)]
    if not any(any(row) for row in asked):
        return empty_figure(f"A rank correlation needs {FEWEST} {found.level} and two metrics.", dark, height=220)
    chart = figure(dark, height=FOOT + ROW * len(titles))
    chart.add_heatmap(
        z=[[tau.mean if math.isfinite(tau.mean) else None for tau in row] for row in found.taus],
        x=titles,
        y=titles,
        text=[
            [f"{tau.mean:.2f}" if known else "" for tau, known in zip(row, line)]
            for row, line in zip(found.taus, asked)
        ],
        customdata=[
            [
                [mark.pair(one, other) if one != other else "", f"{in_words(tau)}<br>{things} {found.level}"]
                for other, tau, things in zip(found.metrics, row, counts)
            ]
            for one, row, counts in zip(found.metrics, found.taus, found.counts)
        ],
        texttemplate="%{text}",
        textfont={"size": 12, "color": ink(dark).text},
        hovertemplate="<b>%{y}</b> and <b>%{x}</b><br>tau %{customdata[1]}<extra></extra>",
        colorscale=[[0, BAD[dark]], [0.5, MIDDLE[dark]], [1, GOOD[dark]]],
        zmin=-1,
        zmax=1,
        showscale=False,
        xgap=2,
        ygap=2,
    )
    chart.update_xaxes(tickangle=-40, showgrid=False, showline=False, ticks="", nticks=len(titles) + 1)
    chart.update_yaxes(autorange="reversed", showgrid=False, showline=False, ticks="", nticks=len(titles) + 1)
    return chart.update_layout(dragmode=False)
