"""Figures in HTML files that work without a network, for sending to someone: the templates and what they are filled with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

CONFIG = {"displaylogo": False, "showSendToCloud": False, "responsive": True, "doubleClick": "reset"}
"""What plotly.js is told outside the figure: no logo, and no button that uploads the chart (plotly.js 4 has one)."""
ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def standalone_html(figure: go.Figure, title: str, dark: bool = False, captions: Sequence[str] = ()) -> str:
    """The figure with plotly.js inside (about 5 MB), in a page of its own; ``title`` and ``captions`` are plain text."""
    return render("chart.html", title=title, chart=chart_html(figure, script=True), dark=dark, captions=captions)


def render(name: str, **values: Any) -> str:
    """A template of ``charts/templates`` with its values; what is not ``Markup`` is printed as text."""
    return ENVIRONMENT.get_template(name).render(values)


def chart_html(figure: go.Figure, script: bool = False, id: str | None = None) -> Markup:
    """A figure as a piece of a page; ``script``: with plotly.js (about 5 MB), which a page needs once."""
    return Markup(figure.to_html(full_html=False, include_plotlyjs=script, config=CONFIG, div_id=id))
