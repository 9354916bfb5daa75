"""A research report as one HTML file that works without a network: plotly.js once, a figure and a sentence an exhibit."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from t2ialign.charts.drawn import drawn_figure
from t2ialign.charts.export import CONFIG
from t2ialign.tradeoff.research import Research

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
            drawn_figure(exhibit.drawn).to_html(
                full_html=False, include_plotlyjs=False, config=CONFIG, div_id=f"figure-{number}"
            )
        )
        for number, exhibit in enumerate(found.exhibits, 1)
    }
    script = Markup(get_plotlyjs()) if charts else Markup("")
    return ENVIRONMENT.get_template("report.html").render(
        report=found, chart=lambda exhibit: charts[id(exhibit)], script=script, version=version
    )
