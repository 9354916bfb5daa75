"""Two metrics of the same things: what one tau of the matrix is made of."""

from __future__ import annotations

from html import escape

import numpy as np
import plotly.graph_objects as go

from t2ialign.charts import mark
from t2ialign.charts.front_band import BLUE
from t2ialign.charts.theme import axis_title, faded, figure, ink
from t2ialign.metrics import METRICS
from t2ialign.tradeoff.scatter import Scatter


def scatter_figure(found: Scatter, dark: bool = False) -> go.Figure:
    """A click on a dot opens what lies behind it."""
    chart = figure(dark, height=420)
    chart.add_scatter(
        x=np.array([dot.x for dot in found.dots]),
        y=np.array([dot.y for dot in found.dots]),
        mode="markers",
        marker={"color": faded(BLUE[dark], 0.75), "size": 8 if len(found.dots) < 300 else 5},
        customdata=[[mark.cell(dot.config, dot.cell) if dot.cell else dot.config] for dot in found.dots],
        hovertext=[escape(dot.name) for dot in found.dots],
        hovertemplate="<b>%{hovertext}</b><br>%{x:.4g} and %{y:.4g}<extra></extra>",
        showlegend=False,
    )
    for name, update in ((found.x, chart.update_xaxes), (found.y, chart.update_yaxes)):
        title = axis_title(METRICS[name], ink(dark).muted)
        update(title={"text": f"{title}, less its prompt's mean" if found.level == "pictures" else title})
    return chart
