"""The trade-off chart seen from one point: paired differences, with that point where the two zero lines cross."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import plotly.graph_objects as go

from t2ialign.charts.theme import ink
from t2ialign.charts.tradeoff import FEW_PROMPTS, tradeoff_figure
from t2ialign.names import NO_TITLES, setting_name
from t2ialign.tradeoff.differences import Differences
from t2ialign.types import GenerationConfig, Metric


def differences_figure(
    seen: Differences,
    x_metric: Metric,
    y_metric: Metric,
    highlight: Collection[str] = (),
    pareto: bool = True,
    dark: bool = False,
    order: tuple[str, ...] = (),
    whole: int = FEW_PROMPTS,
    named: bool = False,
    titles: Mapping[str, str] = NO_TITLES,
    bars: bool = True,
) -> go.Figure:
    """What ``tradeoff_figure`` draws, of differences: bars are their paired 95 % intervals, and 0 on both axes is stressed."""
    who = setting_name(seen.reference, titles)
    across, up = (_less(metric, seen.reference) for metric in (x_metric, y_metric))
    said = (f"Change from {who}", "Bars: 95 % interval of the change")[: 1 + bars]
    chart = tradeoff_figure(
        seen.points,
        across,
        up,
        highlight,
        pareto,
        dark,
        order,
        bars,
        whole=whole,
        named=named,
        titles=titles,
        said=said,
    )
    zero = {"zeroline": True, "zerolinecolor": ink(dark).line, "zerolinewidth": 1.5}
    return chart.update_layout(xaxis=zero, yaxis=zero)


def _less(metric: Metric, reference: GenerationConfig) -> Metric:
    """The metric of an axis of differences: its own name keeps a zoom of the plain axes from this chart."""
    return replace(metric, name=f"{metric.name} less {reference.key}", title=f"Change of {metric.title}")
