"""The trade-off chart: alignment against diversity, one line a checkpoint along its guidance scales."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from html import escape
from typing import Any

import plotly.graph_objects as go

from t2ialign.charts.intervals import error_bars, in_words
from t2ialign.charts.theme import Ink, Style, axis_title, empty_figure, faded, figure, ink, styles
from t2ialign.tradeoff.pareto import pareto_front
from t2ialign.types import GenerationConfig, Interval, Metric, TradeoffPoint

FEW_PROMPTS = 4
CROWD = 3  # more sweeps than this, and labels beside every point would overlap
NO_BAR = Interval(math.nan, math.nan, math.nan)
LEGEND_ROW = 19  # pixels
LABEL_ROOM = 0.15  # of the points' span
BESIDE_RING = "\N{EN SPACE}"
MADE_BEFORE = "made before"  # by a version that did not write down which weights it used
EMPTY = "No points yet.<br>Choose a prompt, press <b>Generate</b>,<br>and its point lands here."


def tradeoff_figure(
    points: Sequence[TradeoffPoint],
    x_metric: Metric,
    y_metric: Metric,
    highlight: Collection[str] = (),
    pareto: bool = True,
    dark: bool = False,
    order: Sequence[str] = (),
    bars: bool = True,
) -> go.Figure:
    """Points with their intervals unless ``bars`` is off, sweeps of ``guidance_scale`` joined, ``highlight``'s keys ringed.

    ``order`` lists all checkpoints there are, shown or not, so that a filter does not change anyone's colour.
    ``customdata[0]`` of a point is its config's key and nothing else. Points on few prompts are hollow and outside the
    front: their prompts may just be easy ones. Points without a mean are left out; of several
    metric versions only the most frequent pair is drawn, and a note says how many points that hides.
    """
    known = [point for point in points if math.isfinite(point.x.mean) and math.isfinite(point.y.mean)]
    shown = one_version(known)
    if not shown:
        return empty_figure(EMPTY, dark)
    colors = ink(dark)
    chart = figure(dark)
    if pareto:
        chart.add_scatter(**_front(shown, x_metric, y_metric, colors))
    lines = sweeps(shown)
    look = styles([*order, *sorted(point.config.checkpoint for point in shown)], dark)
    barred = {point.config for point in solid_points(shown)} if bars else set()
    text = labels(list(lines.values()), highlight)
    for name, line in lines.items():
        chart.add_scatter(**_sweep(name, line, look[line[0].config.checkpoint], colors, x_metric, y_metric))
        color = faded(look[line[0].config.checkpoint].color, 0.35 if len(lines) <= 2 * CROWD else 0.18)
        chart.data[-1].update(_bars(line, barred, color))
        chart.data[-1].text = [text[point.config] for point in line]
    chart.add_scatter(**_rings([point for point in shown if point.config.key in highlight], colors))
    chart.update_xaxes(title={"text": axis_title(x_metric, colors.muted), "standoff": 8})
    chart.update_yaxes(
        title={"text": axis_title(y_metric, colors.muted), "standoff": 6},
        autorangeoptions=room(point.y.mean for point in shown),
    )
    chart.update_layout(legend={"xref": "container"})  # as wide as the chart with its labels, not as its axis
    chart.update_layout(uirevision=f"{x_metric.name} {y_metric.name}")  # a zoom survives new points
    _note(chart, _left_unsaid(shown, len(known) - len(shown)), colors)
    return chart


def small(chart: go.Figure, height: int = 310) -> go.Figure:
    """A chart for a narrow column: as much taller than ``height`` as its legend needs there, so that none is scrolled."""
    rows = sum(trace.showlegend is not False for trace in chart.data)
    return chart.update_layout(height=height + LEGEND_ROW * rows, legend={"maxheight": 0.55})


def solid_points(points: Sequence[TradeoffPoint]) -> list[TradeoffPoint]:
    """The points on enough prompts to be compared; all of them where there are none."""
    return [point for point in points if point.prompts >= FEW_PROMPTS] or list(points)


def one_version(points: Sequence[TradeoffPoint]) -> list[TradeoffPoint]:
    """The points of the most frequent pair of metric versions: numbers of different versions share no axis."""
    counts = Counter((point.x_version, point.y_version) for point in points)
    usual = max(counts, key=lambda pair: (counts[pair], pair), default=None)
    return [point for point in points if (point.x_version, point.y_version) == usual]


def sweeps(points: Sequence[TradeoffPoint]) -> dict[str, list[TradeoffPoint]]:
    """Points whose configs differ in ``guidance_scale`` only, in its order, under a name for the legend.

    A name is the checkpoint's; where two sweeps share it, what tells them apart is added: ``base, 50 steps``.
    """
    groups: dict[GenerationConfig, list[TradeoffPoint]] = {}
    for point in points:
        groups.setdefault(replace(point.config, guidance_scale=0.0), []).append(point)
    shared = Counter(config.checkpoint for config in groups)
    names = {
        config: config.checkpoint if shared[config.checkpoint] == 1 else _told_apart(config, groups)
        for config in groups
    }
    ordered = sorted(groups, key=lambda config: (config.checkpoint != "base", names[config]))
    return {names[config]: sorted(groups[config], key=lambda point: point.config.guidance_scale) for config in ordered}


def _told_apart(config: GenerationConfig, others: Collection[GenerationConfig]) -> str:
    rivals = [other for other in others if other.checkpoint == config.checkpoint]
    facets = {
        "backbone": config.backbone,
        "num_inference_steps": f"{config.num_inference_steps} steps",
        "scheduler": config.scheduler,
        "guidance": config.guidance,
        "guidance_params": ", ".join(f"{name} {value:g}" for name, value in config.guidance_params),
        "height": f"{config.height} px",
        "dtype": config.dtype,
        "negative_prompt": f"without “{config.negative_prompt}”" if config.negative_prompt else "",
        "revision": config.revision[:6] or MADE_BEFORE,
        "adapters": "+".join(use.sha[:6] or MADE_BEFORE for use in config.adapters),
    }
    differing = [text for field, text in facets.items() if len({vars(rival)[field] for rival in rivals}) > 1 and text]
    return ", ".join([config.checkpoint, *differing]) if differing else f"{config.checkpoint}, {config.key[:6]}"


def _sweep(
    name: str, line: Sequence[TradeoffPoint], style: Style, colors: Ink, x_metric: Metric, y_metric: Metric
) -> dict[str, Any]:
    hollow = [point.prompts < FEW_PROMPTS for point in line]
    return {
        "name": escape(name),
        "x": [point.x.mean for point in line],
        "y": [point.y.mean for point in line],
        "mode": "lines+markers+text",
        "line": {"color": style.color, "width": 2, "dash": style.dash},
        "marker": {
            "color": style.color,
            "symbol": [style.symbol + ("-open" if few else "") for few in hollow],
            "size": style.size + 3,
            # An edge in the page's colour keeps points apart that lie on each other.
            "line": {"width": 1.5, "color": [style.color if few else colors.paper for few in hollow]},
        },
        "textposition": "top right",
        "textfont": {"size": 11, "color": style.color},
        "customdata": [[point.config.key] for point in line],
        "hovertext": [_hover(name, point, x_metric, y_metric) for point in line],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _bars(line: Sequence[TradeoffPoint], barred: Collection[GenerationConfig], color: str) -> dict[str, Any]:
    """The intervals of a sweep's points; where a few prompts say next to nothing, a bar would only stretch the axes."""
    known = [(point.x, point.y) if point.config in barred else (NO_BAR, NO_BAR) for point in line]
    return {"error_x": error_bars([x for x, _ in known], color), "error_y": error_bars([y for _, y in known], color)}


def labels(lines: Sequence[Sequence[TradeoffPoint]], highlight: Collection[str]) -> dict[GenerationConfig, str]:
    """The guidance scales beside the points; where many lines crowd, beside what is highlighted and the ends of sweeps."""
    text = {}
    for line in lines:
        ends = (line[0], line[-1]) if len(line) > 1 else ()
        for point in line:
            scale = f"{point.config.guidance_scale:g}"
            if point.config.key in highlight:
                text[point.config] = f"{BESIDE_RING}CFG {scale}"
            else:
                text[point.config] = scale if len(lines) <= CROWD or point in ends else ""
    first = next((config for config, scale in text.items() if scale), None)
    if first is None or text[first].startswith(BESIDE_RING):
        return text
    return {**text, first: f"CFG {text[first]}"}


def _hover(name: str, point: TradeoffPoint, x_metric: Metric, y_metric: Metric) -> str:
    prompts = "1 prompt" if point.prompts == 1 else f"{point.prompts} prompts"
    lines = [
        f"<b>{escape(name)}</b> at CFG {point.config.guidance_scale:g}",
        f"{x_metric.title}: {in_words(point.x)}",
        f"{y_metric.title}: {in_words(point.y)}",
        f"{prompts}, {point.seeds} seeds",
    ]
    return "<br>".join(lines)


def _front(points: Sequence[TradeoffPoint], x_metric: Metric, y_metric: Metric, colors: Ink) -> dict[str, Any]:
    front = pareto_front(solid_points(points), (x_metric.higher_is_better, y_metric.higher_is_better))
    return {
        "name": "Pareto front",
        "x": [point.x.mean for point in front],
        "y": [point.y.mean for point in front],
        "mode": "lines+markers",
        # The edge of what is reached: from a point first along the axis on which its neighbour is worse.
        "line": {"color": colors.line, "width": 1, "shape": "vh" if x_metric.higher_is_better else "hv"},
        "marker": {"color": colors.halo, "size": 22, "line": {"width": 0}},
        "hoverinfo": "skip",
    }


def room(heights: Iterable[float]) -> dict[str, Any]:
    """A little more above the highest point, where its label stands."""
    drawn = list(heights)
    return {"include": max(drawn) + LABEL_ROOM * (max(drawn) - min(drawn))}


def _rings(points: Sequence[TradeoffPoint], colors: Ink) -> dict[str, Any]:
    return {
        "x": [point.x.mean for point in points],
        "y": [point.y.mean for point in points],
        "mode": "markers",
        "marker": {"symbol": "circle-open", "size": 24, "color": colors.text, "line": {"width": 2.5}},
        "hoverinfo": "skip",  # clicks go to the point inside
        "showlegend": False,
    }


def _left_unsaid(shown: Sequence[TradeoffPoint], hidden: int) -> str:
    """What the chart must add in words: points that it hides, and what hollow ones are."""
    if hidden:
        return (
            "1 point of another metric version is hidden"
            if hidden == 1
            else (f"{hidden} points of other metric versions are hidden")
        )
    return f"Hollow: fewer than {FEW_PROMPTS} prompts" if any(point.prompts < FEW_PROMPTS for point in shown) else ""


def _note(chart: go.Figure, text: str, colors: Ink) -> None:
    if not text:
        return
    chart.add_annotation(
        text=text,
        showarrow=False,
        xref="paper",
        yref="paper",
        x=0,
        y=1,
        xanchor="left",
        yanchor="bottom",
        font={"color": colors.muted, "size": 11},
    )
