"""A research report as one HTML file that works without a network: plotly.js once, a figure and a sentence an exhibit."""

from __future__ import annotations

from markupsafe import Markup
from plotly.offline import get_plotlyjs

from t2ialign.charts.drawn import drawn_figure
from t2ialign.charts.export import chart_html, render
from t2ialign.tradeoff.research import Research


def report_html(found: Research, version: str = "") -> str:
    """The whole report (about 5 MB, nearly all of it plotly.js)."""
    charts = {
        id(exhibit): chart_html(drawn_figure(exhibit.drawn), id=f"figure-{number}")
        for number, exhibit in enumerate(found.exhibits, 1)
    }
    script = Markup(get_plotlyjs()) if charts else Markup("")
    return render(
        "report.html", report=found, chart=lambda exhibit: charts[id(exhibit)], script=script, version=version
    )
