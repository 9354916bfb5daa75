"""What a point of win rate costs in diversity: a line a method through its doses, and the best policy behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from textwrap import wrap

import plotly.graph_objects as go

from t2ialign.charts.intervals import error_bars
from t2ialign.charts.theme import Style, empty_figure, faded, figure, ink, styles
from t2ialign.tradeoff.frontier import DosePoint, Ideal, PathCost
from t2ialign.types import Interval, Metric

START = DosePoint("the parent", Interval(0.5, 0.5, 0.5), Interval(0.0, 0.0, 0.0))
UNTILTED = replace(START, checkpoint="untilted")


def frontier_figure(
    paths: Sequence[PathCost],
    ideals: Sequence[Ideal],
    judge: Metric,
    diversity: Metric,
    win_rate: float,
    dark: bool = False,
) -> go.Figure:
    """Win rate to the right, change of diversity upwards; every path starts at its parent. A dotted line marks ``win_rate``.

    Hollow markers are single runs of a dose that was trained with several seeds; ``ideals`` are lines without markers,
    each from its own start; what it is stands at the pointer.
    """
    if not any(path.doses for path in paths):
        return empty_figure("No trained checkpoint here yet.", dark)
    colors, chart = ink(dark), figure(dark, height=480)
    chart.add_hline(0, line={"color": colors.line, "width": 1})
    chart.add_vline(win_rate, line={"color": colors.line, "width": 1, "dash": "dot"})
    for ideal, dash in zip(ideals, ("dash", "dashdot", "dot")):
        chart.add_scatter(
            **_line(ideal.name, [UNTILTED, *ideal.points], ideal.about),
            mode="lines",
            line={"color": colors.muted, "width": 2.5, "dash": dash},
        )
    look = styles([path.name for path in paths], dark)
    for path in paths:
        style = look[path.name]
        chart.add_scatter(
            **_line(path.name, [START, *path.doses]),
            mode="lines+markers",
            line={"color": style.color, "width": 2, "dash": style.dash},
            marker={"color": style.color, "symbol": style.symbol, "size": [0, *[style.size] * len(path.doses)]},
            error_x=error_bars([START.win_rate, *(dose.win_rate for dose in path.doses)], faded(style.color, 0.35)),
            error_y=error_bars([START.change, *(dose.change for dose in path.doses)], faded(style.color, 0.35)),
        )
        _draw_runs(chart, path, style)
    muted = f'<span style="font-size:12px;color:{colors.muted}">'
    chart.update_xaxes(
        title={"text": f"<b>Preferred to the parent</b><br>{muted}{escape(judge.title)} · more liked →</span>"},
        tickformat=".0%",
    )
    chart.update_yaxes(
        title={"text": f"<b>Change of diversity</b><br>{muted}{escape(diversity.title)} · more varied →</span>"},
        tickformat="+.0%",
    )
    return chart


def _wrapped(text: str) -> str:
    return "<br>".join(map(escape, wrap(text, 60)))


def _draw_runs(chart: go.Figure, path: PathCost, style: Style) -> None:
    runs = [run for dose in path.doses for run in dose.runs]
    if runs:
        chart.add_scatter(
            x=[run.win_rate for run in runs],
            y=[run.change for run in runs],
            mode="markers",
            marker={"color": style.color, "symbol": f"{style.symbol}-open", "size": style.size - 2},
            hovertext=[f"{escape(path.name)}, training seed {run.training_seed}" for run in runs],
            hovertemplate="%{hovertext}<br>preferred %{x:.1%}<br>diversity %{y:+.1%}<extra></extra>",
            showlegend=False,
        )


def _line(name: str, doses: Sequence[DosePoint], about: str = "") -> dict[str, object]:
    said = [
        f"<b>{escape(dose.checkpoint)}</b><br>preferred {dose.win_rate.mean:.1%}<br>diversity {dose.change.mean:+.1%}"
        + (f"<br>mean of {dose.training_seeds} training seeds" if dose.training_seeds > 1 else "")
        + (f"<br>{_wrapped(about)}" if about else "")
        for dose in doses
    ]
    return {
        "name": escape(name),
        "x": [dose.win_rate.mean for dose in doses],
        "y": [dose.change.mean for dose in doses],
        "hovertext": said,
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
