"""Nouns in, Plotly figures out: one chart a file, pure functions, nothing else in the project imports plotly."""

from __future__ import annotations

from t2ialign.charts.export import standalone_html
from t2ialign.charts.intervals import intervals_figure
from t2ialign.charts.strip import strip_figure
from t2ialign.charts.theme import Figure
from t2ialign.charts.tradeoff import FEW_PROMPTS, small, solid_points, tradeoff_figure

__all__ = [
    "FEW_PROMPTS",
    "Figure",
    "intervals_figure",
    "small",
    "solid_points",
    "standalone_html",
    "strip_figure",
    "tradeoff_figure",
]
