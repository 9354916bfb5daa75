"""What a report or a page shows, from the noun that says so to its figure."""

from __future__ import annotations

from typing import assert_never

import plotly.graph_objects as go

from t2ialign.charts.audit import audit_figure
from t2ialign.charts.changes import changes_figure
from t2ialign.charts.doses import doses_figure
from t2ialign.charts.front_band import edge_figure, volumes_figure, with_front_band
from t2ialign.charts.frontier import frontier_figure
from t2ialign.charts.relations import relations_figure
from t2ialign.charts.strength import strength_figure
from t2ialign.charts.tradeoff import tradeoff_figure
from t2ialign.metrics import METRICS
from t2ialign.tradeoff.audit_table import AuditTable
from t2ialign.tradeoff.front_band import Edge
from t2ialign.tradeoff.relations import Relations
from t2ialign.tradeoff.research import Changes, Costs, Doses, Drawn, Plane, Volumes
from t2ialign.tradeoff.strength import StrengthPlane


def drawn_figure(drawn: Drawn, dark: bool = False) -> go.Figure:
    """One figure a noun."""
    match drawn:
        case Plane():
            x, y = METRICS[drawn.x], METRICS[drawn.y]
            chart = tradeoff_figure(drawn.points, x, y, arrows=drawn.arrows, whole=drawn.whole, named=True, dark=dark)
            return with_front_band(chart, drawn.edge, drawn.knee, dark).update_layout(height=520)
        case Changes():
            return changes_figure(drawn, dark)
        case Doses():
            return doses_figure(drawn.responses, dark)
        case Costs():
            judge, diversity = METRICS[drawn.judge], METRICS[drawn.diversity]
            return frontier_figure(drawn.paths, drawn.ideals, judge, diversity, drawn.win_rate, dark)
        case Relations():
            return relations_figure(drawn, dark)
        case Edge():
            return edge_figure(drawn, dark)
        case Volumes():
            return volumes_figure(drawn.volumes, dark)
        case StrengthPlane():
            return strength_figure(drawn, dark)
        case AuditTable():
            return audit_figure(drawn, dark)
        case _:
            assert_never(drawn)
