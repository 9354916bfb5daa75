"""A research report as one HTML file that works without a network: plotly.js once, a figure and a sentence an exhibit."""

from __future__ import annotations

from pathlib import Path
from typing import assert_never

import plotly.graph_objects as go
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from t2ialign.charts.audit import audit_figure
from t2ialign.charts.changes import changes_figure
from t2ialign.charts.doses import doses_figure
from t2ialign.charts.export import CONFIG
from t2ialign.charts.front_band import edge_figure, with_front_band
from t2ialign.charts.frontier import frontier_figure
from t2ialign.charts.relations import relations_figure
from t2ialign.charts.tradeoff import tradeoff_figure
from t2ialign.metrics import METRICS
from t2ialign.tradeoff.audit_table import Table
from t2ialign.tradeoff.front_band import Edge
from t2ialign.tradeoff.relations import Relations
from t2ialign.tradeoff.research import Changes, Costs, Doses, Drawn, Plane, Research

ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def report_html(found: Research, version: str = "") -> str:
    """The whole report (about 5 MB, nearly all of it plotly.js)."""
    charts = {
        id(exhibit): Markup(
            _figure(exhibit.drawn).to_html(
                full_html=False, include_plotlyjs=False, config=CONFIG, div_id=f"figure-{number}"
            )
        )
        for number, exhibit in enumerate(found.exhibits, 1)
    }
    script = Markup(get_plotlyjs()) if charts else Markup("")
    return ENVIRONMENT.get_template("report.html").render(
        report=found, chart=lambda exhibit: charts[id(exhibit)], script=script, version=version
    )


def _figure(drawn: Drawn) -> go.Figure:
    if isinstance(drawn, Plane):
        chart = tradeoff_figure(
            drawn.points, METRICS[drawn.x], METRICS[drawn.y], arrows=drawn.arrows, whole=drawn.whole, named=True
        )
        return with_front_band(chart, drawn.edge, drawn.knee).update_layout(height=520)
    if isinstance(drawn, Changes):
        return changes_figure(drawn)
    if isinstance(drawn, Doses):
        return doses_figure(drawn.responses)
    if isinstance(drawn, Costs):
        return frontier_figure(drawn.paths, (), METRICS[drawn.judge], METRICS[drawn.diversity], drawn.win_rate)
    if isinstance(drawn, Relations):
        return relations_figure(drawn)
    if isinstance(drawn, Edge):
        return edge_figure(drawn)
    if isinstance(drawn, Table):
        return audit_figure(drawn)
    assert_never(drawn)
