"""How a measure of single pictures is distributed: a rising line for each set of pictures."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from t2ialign.charts.theme import axis_title, empty_figure, figure, ink, styles
from t2ialign.tradeoff.choosing import shares
from t2ialign.types import Metric


def distribution_figure(sets: Mapping[str, Float[np.ndarray, " _"]], metric: Metric, dark: bool = False) -> go.Figure:
    """The share of each set's pictures that have at most so much; on an axis of logarithms where all is positive."""
    if not sets:
        return empty_figure("No picture is scored yet.", dark)
    chart, look = figure(dark, height=420), styles(sets, dark)
    for name, values in sets.items():
        x, y = shares(values)
        chart.add_scatter(
            x=x,
            y=y,
            name=escape(name),
            mode="lines",
            line={"color": look[name].color, "width": 2, "dash": look[name].dash, "shape": "hv"},
            hovertemplate=f"{escape(name)}<br>%{{y:.0%}} have at most %{{x:.4g}}<extra></extra>",
        )
    positive = all((values > 0).all() for values in sets.values())
    chart.update_xaxes(title={"text": axis_title(metric, ink(dark).muted)}, type="log" if positive else "linear")
    if positive:
        places = [step * 10.0**power for power in range(-3, 7) for step in (1, 2, 5)]
        chart.update_xaxes(tickvals=places, ticktext=[f"{place:g}" for place in places])
    chart.update_yaxes(title={"text": "<b>Share of pictures</b>"}, tickformat=".0%", range=[0, 1.02])
    return chart
