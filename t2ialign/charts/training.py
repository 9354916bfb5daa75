"""A training run as it happens: loss, implicit accuracy, log-ratios, and both axes of the fixed batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import plotly.graph_objects as go

from t2ialign.charts.intervals import in_words
from t2ialign.charts.theme import DARK, LIGHT, empty_figure, faded, figure, ink
from t2ialign.types import Interval, Metric, TrainStep

HEIGHT = 220
POINTS = 240  # of a longer run, every so manyth step is drawn
WIN, LOSE = 0, 1
SMOOTH = 0.05  # the smooth line's memory, as a share of the run
FIRST_STEP = "The first step is on its way."
FEW = 40  # points that are drawn as they are
Steps = Sequence[TrainStep]


@dataclass(frozen=True)
class Curve:
    """A run's values by step, in its colour."""

    name: str
    color: str
    points: Sequence[tuple[int, float]]


def loss_figure(steps: Steps, total: int, dark: bool = False) -> go.Figure:
    """The loss of every step, faint, and its running mean."""
    return _running(steps, "loss", total, dark, "loss %{y:.3f}")


def accuracy_figure(steps: Steps, total: int, dark: bool = False) -> go.Figure:
    """The share of pairs that the policy already orders as people do; a coin toss is dotted."""
    chart = _running(steps, "accuracy", total, dark, "%{y:.0%} of the pairs as people have them")
    if chart.data:
        chart.add_hline(0.5, line={"color": ink(dark).line, "width": 1, "dash": "dot"})
        chart.update_yaxes(range=[0, 1.02], tickformat=".0%")
    return chart


def reward_figure(steps: Steps, total: int, dark: bool = False) -> go.Figure:
    """What the pictures that each step drew are worth."""
    return _running(steps, "reward", total, dark, "reward %{y:.3f}")


def kl_figure(steps: Steps, total: int, dark: bool = False) -> go.Figure:
    """How far the policy's paths are from the reference's."""
    return _running(steps, "kl", total, dark, "KL %{y:.4f}")


def drawn_diversity_figure(steps: Steps, total: int, dark: bool = False) -> go.Figure:
    """How varied the pictures are that each step drew of one prompt."""
    return _running(steps, "diversity", total, dark, "diversity %{y:.3f}")


def bands_figure(steps: Steps, total: int, dark: bool = False) -> go.Figure:
    """Log-ratios of winners and losers: the median, half of them in the dark band, nine of ten in the pale one."""
    known = [step for step in thinned(steps) if any(step.log_ratio_quantiles)]
    if not known:
        return _nothing("This method compares no pictures." if steps else FIRST_STEP, dark)
    chart = _frame(total, dark)
    hues = DARK if dark else LIGHT
    for side, name in ((LOSE, "losers"), (WIN, "winners")):
        rows = [step for step in known if step.log_ratio_quantiles[side]]
        x = [step.step for step in rows]
        levels = list(zip(*(step.log_ratio_quantiles[side] for step in rows))) or [()] * 5
        color = hues[side]
        for low, high, alpha in ((0, 4, 0.12), (1, 3, 0.22)):
            chart.add_scatter(
                x=[*x, *reversed(x)], y=[*levels[high], *reversed(levels[low])], fill="toself", mode="lines",
                fillcolor=faded(color, alpha), line={"width": 0}, hoverinfo="skip", showlegend=False,
            )  # fmt: skip
        chart.add_scatter(
            x=x, y=levels[2], name=name, mode="lines", line={"color": color, "width": 2},
            hovertemplate=f"step %{{x}}<br>{name} %{{y:.3f}}<extra></extra>",
        )  # fmt: skip
    chart.add_hline(0, line={"color": ink(dark).line, "width": 1, "dash": "dot"})
    chart.update_layout(legend={"y": 1, "yref": "paper", "yanchor": "bottom", "x": 0, "xanchor": "left"})
    return chart


def probe_figure(points: Sequence[tuple[int, Interval]], metric: Metric, total: int, dark: bool = False) -> go.Figure:
    """A metric of the fixed batch, from step 0 on, with its interval."""
    known = [(step, interval) for step, interval in points if math.isfinite(interval.mean)]
    if not known:
        return _nothing("Measured before the first step.", dark)
    chart, color = _frame(total, dark), (DARK if dark else LIGHT)[2 if metric.axis == "alignment" else 3]
    sure = [(step, one) for step, one in known if math.isfinite(one.lo) and math.isfinite(one.hi)]
    x = [step for step, _ in sure]
    chart.add_scatter(
        x=[*x, *reversed(x)], y=[*(one.hi for _, one in sure), *(one.lo for _, one in reversed(sure))], fill="toself",
        fillcolor=faded(color, 0.16), mode="lines", line={"width": 0}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    chart.add_scatter(
        x=[step for step, _ in known],
        y=[one.mean for _, one in known],
        mode="lines+markers",
        line={"color": color, "width": 2},
        marker={"size": 7},
        hovertext=[f"step {step}<br>{metric.title} {in_words(one)}" for step, one in known],
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
    )
    chart.add_hline(known[0][1].mean, line={"color": ink(dark).line, "width": 1, "dash": "dot"})
    return chart


def overlay_figure(curves: Sequence[Curve], title: str, percent: bool = False, dark: bool = False) -> go.Figure:
    """Runs over each other, each in its colour: of many points the running mean, of few the points themselves."""
    known = [curve for curve in curves if curve.points]
    if not known:
        return _nothing(f"{title}: none of these runs has it.", dark)
    chart = _frame(max(step for curve in known for step, _ in curve.points), dark)
    for curve in known:
        few = len(curve.points) <= FEW
        means = [value for _, value in curve.points] if few else smoothed([value for _, value in curve.points])
        rows = thinned(list(zip((step for step, _ in curve.points), means)))
        chart.add_scatter(
            x=[step for step, _ in rows],
            y=[value for _, value in rows],
            name=escape(curve.name),
            mode="lines+markers" if few else "lines",
            line={"color": curve.color, "width": 2},
            marker={"size": 6},
            hovertemplate=f"{escape(curve.name)}, step %{{x}}<br>{title} %{{y:{'.0%' if percent else '.3f'}}}<extra></extra>",
            showlegend=False,
        )
    if percent:
        chart.update_yaxes(range=[0, 1.02], tickformat=".0%")
    return chart.update_yaxes(title={"text": title, "font": {"size": 12, "color": ink(dark).muted}})


def thinned(records: Sequence[Any]) -> list[Any]:
    """At most ``POINTS`` records at even distances, the last one among them."""
    every = max(1, math.ceil(len(records) / POINTS))
    return list(reversed(records[::-1][::every]))


def smoothed(values: Sequence[float], share: float = SMOOTH) -> list[float]:
    """Running mean with exponential memory, unbiased at its start."""
    keep = 1 - 1 / max(1.0, share * len(values))
    total, weight, smooth = 0.0, 0.0, []
    for value in values:
        total, weight = keep * total + (1 - keep) * value, keep * weight + (1 - keep)
        smooth.append(total / weight)
    return smooth


def _running(steps: Steps, name: str, total: int, dark: bool, hover: str) -> go.Figure:
    numbers = ((step.step, getattr(step, name)) for step in steps)
    known = [(step, value) for step, value in numbers if math.isfinite(value)]
    if not known:
        return _nothing("This method has no such number." if steps else FIRST_STEP, dark)
    chart, colors = _frame(total, dark), ink(dark)
    smooth = smoothed([value for _, value in known])
    rows = thinned([{"x": x, "raw": raw, "mean": mean} for (x, raw), mean in zip(known, smooth)])
    x = [row["x"] for row in rows]
    faint = {"color": faded("#808B96", 0.5), "width": 1}
    chart.add_scatter(x=x, y=[row["raw"] for row in rows], mode="lines", line=faint, hoverinfo="skip", showlegend=False)
    chart.add_scatter(
        x=x, y=[row["mean"] for row in rows], mode="lines", line={"color": colors.text, "width": 2},
        hovertemplate=f"step %{{x}}<br>{hover}<extra></extra>", showlegend=False,
    )  # fmt: skip
    return chart


def _frame(total: int, dark: bool) -> go.Figure:
    chart = figure(dark, HEIGHT)
    chart.update_xaxes(range=[0, max(total, 1)], nticks=6)
    chart.update_yaxes(nticks=5)
    chart.update_layout(dragmode=False, margin={"l": 8, "r": 10, "t": 8, "b": 8}, uirevision=total)
    return chart


def _nothing(words: str, dark: bool) -> go.Figure:
    return empty_figure(words, dark, HEIGHT)
