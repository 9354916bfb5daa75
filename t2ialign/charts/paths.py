"""Dials as paths on the trade-off chart: arrow heads along guidance sweeps, and lines along an adapter's weights."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from t2ialign.charts.theme import Style
from t2ialign.charts.tradeoff_notes import opacity
from t2ialign.tradeoff.dials import weight_dials
from t2ialign.types import TradeoffPoint

HEAD, SMALL_HEAD = 9, 6  # pixels
SWEEP_OPACITY, DIAL_OPACITY = 0.8, 0.7


def dial_paths(
    lines: Iterable[Sequence[TradeoffPoint]],
    shown: Sequence[TradeoffPoint],
    look: Mapping[str, Style],
    highlight: Collection[str] = (),
    swarm: bool = False,
) -> list[dict[str, Any]]:
    """Heads in the middle of each step of a guidance sweep, and a dotted path with heads for each adapter's weights."""
    size = SMALL_HEAD if swarm else HEAD
    paths = [
        _heads(line, look[line[0].config.checkpoint].color, size) | {"opacity": SWEEP_OPACITY * faded}
        for line in lines
        if len(line) > 1
        for faded in (_opacity(line, highlight),)
    ]
    for dial in weight_dials(shown):
        color = look[dial[-1].config.checkpoint].color
        drawn = {"mode": "lines+markers", "line": {"color": color, "width": 1.5, "dash": "dot"}}
        paths.append(_heads(dial, color, size) | drawn | {"opacity": DIAL_OPACITY * _opacity(dial, highlight)})
    return paths


def _opacity(path: Sequence[TradeoffPoint], highlight: Collection[str]) -> float:
    return opacity({point.config.key for point in path}, highlight)


def _heads(path: Sequence[TradeoffPoint], color: str, size: int) -> dict[str, Any]:
    """A marker between each two points that looks from the first to the second, however the chart is stretched."""
    xs, ys = ([getattr(point, axis).mean for point in path] for axis in ("x", "y"))
    between = range(len(path) - 1)
    return {
        "x": [xs[0], *(value for i in between for value in ((xs[i] + xs[i + 1]) / 2, xs[i + 1]))],
        "y": [ys[0], *(value for i in between for value in ((ys[i] + ys[i + 1]) / 2, ys[i + 1]))],
        "mode": "markers",
        "marker": {
            "symbol": "arrow",
            "angleref": "previous",
            "color": color,
            "size": [0, *(one for _ in between for one in (size, 0))],
            "line": {"width": 0},
        },
        "hoverinfo": "skip",
        "showlegend": False,
    }
