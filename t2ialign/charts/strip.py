"""The scores of single pictures, one row a seed batch, with the batch's mean and interval among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import plotly.graph_objects as go

from t2ialign.charts.intervals import error_bars, in_words, number
from t2ialign.charts.theme import axis_title, empty_figure, faded, figure, ink, styles
from t2ialign.types import Interval, Metric, Score

PILE = 40  # values closer than 1/40 of the spread are piled up beside each other


@dataclass(frozen=True)
class StripRow:
    """One seed batch on the strip: its checkpoint (or any label), its seeds and a score of level ``image``."""

    label: str
    seeds: Sequence[int]
    score: Score


def strip_figure(rows: Sequence[StripRow], metric: Metric, dark: bool = False) -> go.Figure:
    """Every picture a dot at its value; clicking gives ``customdata[0]`` = seed. Unscored pictures are left out."""
    values = [value for row in rows for value in row.score.values.tolist() if value == value]
    if not values:
        return empty_figure("No picture is scored yet.", dark, height=200)
    step = (max(values) - min(values)) / PILE or 1.0
    look = styles((row.label for row in rows), dark)
    chart = figure(dark, height=110 + 64 * len(rows))
    for i, row in enumerate(rows):
        color = look[row.label].color
        known = [
            (seed, value) for seed, value in zip(row.seeds, row.score.values.tolist(), strict=True) if value == value
        ]
        chart.add_scatter(
            x=[value for _, value in known],
            y=[i + offset for offset in piles([value for _, value in known], step)],
            mode="markers",
            marker={"color": faded(color, 0.45), "size": 8, "line": {"color": color, "width": 1}},
            customdata=[[seed] for seed, _ in known],
            hovertext=[f"seed {seed}: {number(value)}" for seed, value in known],
            hovertemplate="%{hovertext}<extra></extra>",
            showlegend=False,
        )
        chart.add_scatter(**_mean(i, row, color))
    chart.update_xaxes(title={"text": axis_title(metric, ink(dark).muted)})
    labels = [escape(row.label) for row in rows]
    chart.update_yaxes(
        tickvals=list(range(len(rows))), ticktext=labels, range=[len(rows) - 0.4, -0.6], showgrid=False, fixedrange=True
    )
    return chart


def piles(values: Sequence[float], step: float, rise: float = 0.09, most: int = 3) -> list[float]:
    """Vertical offsets that keep near-equal values apart: 0, one up, one down, two up, ... by ``rise``, in each bin."""
    seen: dict[int, int] = {}
    offsets = []
    for value in values:
        place = seen.get(round(value / step), 0)
        seen[round(value / step)] = place + 1
        level = min((place + 1) // 2, most)
        offsets.append(rise * level * (1 if place % 2 else -1))
    return offsets


def _mean(i: int, row: StripRow, color: str) -> dict[str, Any]:
    interval = Interval(row.score.mean, row.score.lo, row.score.hi)
    return {
        "x": [interval.mean],
        "y": [i + 0.42],
        "mode": "markers",
        "marker": {"color": color, "symbol": "diamond", "size": 11},
        "error_x": error_bars([interval], faded(color, 0.7), thickness=2.5),
        "hovertext": f"<b>{escape(row.label)}</b>, mean: {in_words(interval)}",
        "hovertemplate": "%{hovertext}<extra></extra>",
        "showlegend": False,
    }
