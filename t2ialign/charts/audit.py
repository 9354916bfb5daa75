"""The audit as a heat map: a row a metric, a column a question, the number in every cell."""

from __future__ import annotations

import math
import textwrap

import plotly.graph_objects as go

from t2ialign.charts.theme import empty_figure, figure, ink
from t2ialign.metrics import METRICS
from t2ialign.tradeoff.audit_table import AuditTable

BAD, GOOD = {False: "#E9875A", True: "#B4532B"}, {False: "#4F9BD0", True: "#1F6FA8"}
MIDDLE = {False: "#F3F4F6", True: "#374151"}
ROW, HEAD = 26, 170
BARE = {"tickmode": "array", "showgrid": False, "showline": False, "ticks": ""}


def audit_figure(table: AuditTable, dark: bool = False) -> go.Figure:
    """Blue is good, orange is bad, the number says how much; empty cells are questions that the metric cannot be asked."""
    if not table.rows or not table.columns:
        return empty_figure("Nothing has been audited yet.", dark, height=220)
    chart = figure(dark, height=HEAD + 16 + ROW * len(table.rows))
    titles = [METRICS[row.metric].title if row.metric in METRICS else row.metric for row in table.rows]
    chart.add_heatmap(
        z=[[None if math.isnan(cell.good) else cell.good for cell in row.cells] for row in table.rows],
        x=list(range(len(table.columns))),
        y=titles,
        text=[[cell.text for cell in row.cells] for row in table.rows],
        customdata=[[cell.said for cell in row.cells] for row in table.rows],
        texttemplate="%{text}",
        textfont={"size": 12, "color": ink(dark).text},
        hovertemplate="<b>%{y}</b><br>%{customdata}<extra></extra>",
        colorscale=[[0, BAD[dark]], [0.5, MIDDLE[dark]], [1, GOOD[dark]]],
        zmin=0,
        zmax=1,
        showscale=False,
        xgap=2,
        ygap=2,
    )
    columns = list(range(len(table.columns)))
    chart.update_xaxes(side="top", tickvals=columns, ticktext=table.columns, tickangle=-45, **BARE)
    chart.update_yaxes(autorange="reversed", tickvals=titles, tickfont={"color": ink(dark).text, "size": 12}, **BARE)
    _questions(chart, table, dark)
    chart.update_layout(margin={"t": HEAD, "l": 8, "r": 48, "b": 8}, dragmode=False)
    return chart


def _questions(chart: go.Figure, table: AuditTable, dark: bool) -> None:
    """Each question above its columns, and a line between questions."""
    for question in dict.fromkeys(table.groups):
        places = [place for place, group in enumerate(table.groups) if group == question]
        chart.add_annotation(
            text="<br>".join(textwrap.wrap(question, 8 * len(places))),
            x=sum(places) / len(places),
            y=1,
            yref="paper",
            yanchor="bottom",
            yshift=HEAD - 62,
            showarrow=False,
            font={"color": ink(dark).text, "size": 12},
        )
        if places[0]:
            chart.add_vline(x=places[0] - 0.5, line={"color": ink(dark).line, "width": 1})
