"""The f-divergence family as charts: f and its derivatives, the loss as a landscape, and who moves more (Sun et al.)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.charts.landscape import Member, View, gradient_ratio, loss, push
from t2ialign.charts.theme import Ink, faded, figure, ink, styles

Curve = Literal["f", "f_prime", "f_second"]
DASHES = ("solid", "dash", "dot", "dashdot")
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
FINE, COARSE = 49, 11  # places along an axis of the surface, and of the field of arrows
CURVES: dict[Curve, str] = {"f": "f(X)", "f_prime": "f′(X)", "f_second": "f″(X)"}
SIDE = 520  # pixels of a landscape, which is a square: the page makes it smaller where its column is
DIGITS = 4  # of a place where an arrow begins or ends
FLOOR = 0.55  # how far under the surface its plane of arrows lies, as a share of the surface's height
CLOUD, PATH = "pairs", "path"  # traces that the page moves by itself
# Pale in the valley, deep on the heights. One hue, so that colour says height and nothing else.
HEIGHTS = {
    False: ["#E3F1F4", "#B5DBE4", "#7EC0D0", "#48A2B8", "#1F849C"],
    True: ["#12303A", "#0F4655", "#0F6B82", "#2F8FA6", "#6FB9CA"],
}
GRID_IN_SPACE = {False: "#E4E7EA", True: "#2A343D"}  # nor half-transparent lines
FONT_IN_SPACE = "system-ui, sans-serif"  # a scene knows no variables of the page
EYE = {"x": -1.45, "y": -1.74, "z": 0.93}


@dataclass(frozen=True)
class Cloud:
    """Pairs of a training run at one step, and where their middle has been: log X1 and log X2 in columns."""

    pairs: Float[Tensor, "n 2"]
    path: Float[Tensor, "t 2"]


def looks(names: Sequence[str], dark: bool) -> dict[str, tuple[str, str]]:
    """Colour and dash of each divergence, by its place among ``names``: all there are, shown or not."""
    return {name: (style.color, DASHES[i % 4]) for i, (name, style) in enumerate(list(styles(names, dark).items())[1:])}


def curve_figure(members: Sequence[Member], curve: Curve, order: Sequence[str], dark: bool = False) -> go.Figure:
    """f, f' or f'' against X, times beta. f rests on 0 at X = 1 and f' passes through 0 there: no loss can tell."""
    chart, colors, look = figure(dark, height=270), ink(dark), looks(order, dark)
    x = torch.linspace(0.02, 3, 150, dtype=torch.float64)
    for member in members:
        color, dash = look[member.name]
        chart.add_scatter(
            x=x.tolist(),
            y=(member.beta * _rested(member, curve, x)).tolist(),
            name=member.title,
            mode="lines",
            line={"color": color, "width": 2.5, "dash": dash},
            hovertemplate=f"<b>{member.title}</b><br>X = %{{x:.2f}}<br>{CURVES[curve]} = %{{y:.3g}}<extra></extra>",
            showlegend=False,
        )
    beta = max((member.beta for member in members), default=1.0)
    ranges = {"f": (-0.08, 1.5), "f_prime": (-4, 1.6), "f_second": (0, 4.5)}[curve]
    chart.update_yaxes(range=[beta * end for end in ranges], nticks=6)
    chart.update_xaxes(title={"text": "X", "standoff": 4}, range=[0, 3])
    chart.add_vline(1, line={"color": colors.line, "width": 1, "dash": "dot"})
    chart.update_layout(dragmode=False, hovermode="x" if len(members) > 1 else "closest")
    return chart


def _rested(member: Member, curve: Curve, x: Float[Tensor, " g"]) -> Float[Tensor, " g"]:
    """What f has over its tangent at 1, f' less f'(1), or f'': the rest changes neither divergence nor loss."""
    one = torch.ones((), dtype=torch.float64)
    slope = member.divergence.f_prime(one)
    if curve == "f":
        return member.divergence.f(x) - member.divergence.f(one) - slope * (x - 1)
    return member.divergence.f_prime(x) - slope if curve == "f_prime" else member.divergence.f_second(x)


def surface_figure(member: Member, view: View, cloud: Cloud | None = None, dark: bool = False) -> go.Figure:
    """L(X1, X2) in space, cut at ``view.top``, over a plane with the push of its gradient; ``cloud`` rides on it."""
    chart, colors = figure(dark, height=SIDE), ink(dark)
    axis = view.axis(FINE)
    lose, win = torch.meshgrid(axis, axis, indexing="ij")
    height = loss(member, view.log_ratio(win), view.log_ratio(lose))
    chart.add_surface(
        x=short(axis),
        y=short(axis),
        z=short(height.clamp(max=view.top)),
        cmin=0,
        cmax=view.top,
        colorscale=HEIGHTS[dark],
        showscale=False,
                contours={"z": {"show": True, "color": faded("#FFFFFF", 0.6), "width": 1, "size": view.top / 12, "start": 0,
                        "end": view.top}},
        lighting={"ambient": 0.75, "diffuse": 0.5, "specular": 0.04, "roughness": 0.9},
        customdata=short(torch.stack([view.log_ratio(win).exp(), view.log_ratio(lose).exp()], -1)),
        hovertemplate="X1 = %{customdata[0]:.2f}<br>X2 = %{customdata[1]:.2f}<br>loss %{z:.2f}<extra></extra>",
    )  # fmt: skip
    floor = -FLOOR * view.top
    for part in _arrows(member, view):
        chart.add_scatter3d(
            x=part[0],
            y=part[1],
            z=[floor] * len(part[0]),
            mode="lines",
            line={"color": colors.muted, "width": 2},
            hoverinfo="skip",
            showlegend=False,
            connectgaps=False,
        )
    for trace in _riders(member, view, cloud, colors, dark, deep=True):
        chart.add_scatter3d(**trace)
    chart.update_layout(
        scene=_scene(view, colors, floor, GRID_IN_SPACE[dark]),
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        uirevision="keep",
    )
    return chart


def short(values: Float[Tensor, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Numbers as Plotly sends them in the fewest bytes, with more digits than a screen shows."""
    return values.numpy().astype(np.float32)


def _scene(view: View, colors: Ink, floor: float, grid: str) -> dict[str, Any]:
    places, text = _ticks(view)
    font = {"size": 13, "family": FONT_IN_SPACE, "color": colors.text}
    quiet = {
        "gridcolor": grid,
        "linecolor": grid,
        "showbackground": False,
        "zeroline": False,
        "showspikes": False,
        "tickfont": {"color": colors.muted, "size": 11, "family": FONT_IN_SPACE},
    }
    ends = [float(view.axis(2)[0]), float(view.axis(2)[1])]
    flat = {**quiet, "tickvals": places, "ticktext": text, "range": ends}
    up = {**quiet, "title": {"text": "loss", "font": font}, "range": [floor, view.top * 1.02], "nticks": 8}
    return {
        "xaxis": {**flat, "title": {"text": "X1, winner", "font": font}},
        "yaxis": {**flat, "title": {"text": "X2, loser", "font": font}},
        "zaxis": {**up, "tickvals": [0, *(view.top * part / 2 for part in (1, 2))], "tickformat": ".2~g"},
        "aspectmode": "manual",
        "aspectratio": {"x": 1, "y": 1, "z": 0.95},
        "camera": {"eye": EYE, "center": {"x": 0, "y": 0, "z": -0.16}},
        "dragmode": "turntable",
    }


def contour_figure(member: Member, view: View, cloud: Cloud | None = None, dark: bool = False) -> go.Figure:
    """The landscape from above: lines of equal loss, arrows along the gradient's push, and the cloud of pairs."""
    chart, colors = figure(dark, height=SIDE), ink(dark)
    axis = view.axis(FINE)
    lose, win = torch.meshgrid(axis, axis, indexing="ij")
    chart.add_contour(
        x=short(axis),
        y=short(axis),
        z=short(loss(member, view.log_ratio(win), view.log_ratio(lose)).clamp(max=view.top)),
        zmin=0,
        zmax=view.top,
        colorscale=HEIGHTS[dark],
        showscale=False,
        contours={"start": 0, "end": view.top, "size": view.top / 12},
        line={"color": faded("#FFFFFF", 0.5), "width": 1, "smoothing": 0.8},
        customdata=short(torch.stack([view.log_ratio(win).exp(), view.log_ratio(lose).exp()], -1)),
        hovertemplate="X1 = %{customdata[0]:.2f}<br>X2 = %{customdata[1]:.2f}<br>loss %{z:.2f}<extra></extra>",
    )
    for x, y in _arrows(member, view):
        chart.add_scatter(
            x=x,
            y=y,
            mode="lines",
            line={"color": colors.text, "width": 1.4},
            opacity=0.8,
            hoverinfo="skip",
            showlegend=False,
        )
    for trace in _riders(member, view, cloud, colors, dark, deep=False):
        chart.add_scatter(**trace)
    places, text = _ticks(view)
    ends = view.axis(2).tolist()
    for update, title in ((chart.update_xaxes, "X1, winner"), (chart.update_yaxes, "X2, loser")):
        update(tickvals=places, ticktext=text, range=ends, title={"text": title, "standoff": 4}, showgrid=False)
    chart.update_layout(dragmode=False)
    return chart


def _ticks(view: View) -> tuple[list[float], list[str]]:
    """Round ratios that lie in the view, and how they are written."""
    if not view.logarithmic:
        known = [part * view.high / 4 for part in range(5)]
        return known, [f"{value:g}" for value in known]
    known = [value for value in TICKS if view.low * 0.99 <= value <= view.high * 1.01]
    return [math.log(value) for value in known], [f"{value:g}" for value in known]


def _arrows(member: Member, view: View) -> list[tuple[list[float | None], list[float | None]]]:
    """Shafts and heads of a field of arrows as two lines with gaps; length grows with the push's square root."""
    axis = view.axis(COARSE + 2)[1:-1]
    cell = float(axis[1] - axis[0])
    y, x = (part.flatten() for part in torch.meshgrid(axis, axis, indexing="ij"))
    across, up = push(member, view.log_ratio(x), view.log_ratio(y), view.logarithmic)
    size = (across**2 + up**2).sqrt().clamp(min=1e-30)
    long = cell * (0.22 + 0.66 * (size / size.max()).sqrt())
    dx, dy = across / size * long, up / size * long
    tip_x, tip_y = x + dx / 2, y + dy / 2
    shafts = _segments([(x - dx / 2, y - dy / 2, tip_x, tip_y)])
    turned = []
    for angle in (2.6, -2.6):
        cos, sin = math.cos(angle) * 0.34, math.sin(angle) * 0.34
        turned.append((tip_x, tip_y, tip_x + cos * dx - sin * dy, tip_y + sin * dx + cos * dy))
    return [shafts, _segments(turned)]


def _segments(parts: Sequence[tuple[Tensor, ...]]) -> tuple[list[float | None], list[float | None]]:
    x: list[float | None] = []
    y: list[float | None] = []
    for from_x, from_y, to_x, to_y in parts:
        for a, b, c, d in zip(from_x.tolist(), from_y.tolist(), to_x.tolist(), to_y.tolist()):
            x += [round(a, DIGITS), round(c, DIGITS), None]
            y += [round(b, DIGITS), round(d, DIGITS), None]
    return x, y


def rider_coordinates(member: Member, view: View, log_ratios: Float[Tensor, "n 2"]) -> dict[str, list[float]]:
    """Where pairs stand on a landscape: places along both axes, and the height of the surface under them."""
    win, lose = (view.place(log_ratios[:, side]) for side in (0, 1))
    height = loss(member, view.log_ratio(win), view.log_ratio(lose)).clamp(max=view.top) + 0.015 * view.top
    return {"x": win.tolist(), "y": lose.tolist(), "z": height.tolist()}


def _riders(
    member: Member, view: View, cloud: Cloud | None, colors: Ink, dark: bool, deep: bool
) -> list[dict[str, Any]]:
    """The cloud and the path of its middle; empty traces without a run, so that every chart has the same ones."""
    none = torch.zeros(0, 2, dtype=torch.float64)
    pairs, path = (cloud.pairs, cloud.path) if cloud else (none, none)
    hot = "#EA734A" if dark else "#D94C0D"
    drawn = []
    for name, points in ((PATH, path), (CLOUD, pairs)):
        trace = {**rider_coordinates(member, view, points), "name": name, "showlegend": False, "hoverinfo": "skip"}
        if not deep:
            trace.pop("z")
        if name == PATH:
            trace |= {"mode": "lines", "line": {"color": colors.text, "width": 5 if deep else 2.5}}
        else:
            ring = {"color": "#FFFFFF", "width": 0.5 if deep else 0.8}
            trace |= {"mode": "markers", "marker": {"color": hot, "size": 4 if deep else 7, "line": ring}}
        drawn.append(trace)
    return drawn


def ratio_figure(members: Sequence[Member], order: Sequence[str], dark: bool = False) -> go.Figure:
    """Theorem 4: the pull on the winner over the push on the loser, against X2 / X1.

    Lines have X1 = 1 / X2. Jensen-Shannon's ratio also depends on where the pair stands: its band holds every place.
    """
    chart, colors, look = figure(dark, height=380), ink(dark), looks(order, dark)
    x = torch.linspace(0.005, 1, 120, dtype=torch.float64)
    for member in members:
        color, dash = look[member.name]
        low, line, high = (gradient_ratio(member.divergence, at / x.sqrt(), at * x.sqrt()) for at in (1e3, 1.0, 1e-3))
        if float((high - low).abs().max()) > 1e-6:
            band = {"x": [*x.tolist(), *x.flip(0).tolist()], "y": [*low.tolist(), *high.flip(0).tolist()]}
            chart.add_scatter(
                **band, fill="toself", fillcolor=faded(color, 0.14), line={"width": 0}, hoverinfo="skip",
                showlegend=False,
            )  # fmt: skip
        chart.add_scatter(
            x=x.tolist(),
            y=line.tolist(),
            name=member.title,
            mode="lines",
            line={"color": color, "width": 2.5, "dash": dash},
            hovertemplate=f"<b>{member.title}</b><br>X2/X1 = %{{x:.2f}}<br>ratio %{{y:.3f}}<extra></extra>",
            showlegend=False,
        )
    chart.update_xaxes(title={"text": "X2 / X1   (← further trained)", "standoff": 6}, range=[0, 1])
    chart.update_yaxes(title={"text": "winner's gradient / loser's", "standoff": 6}, range=[0, 1.02])
    chart.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line={"color": colors.line, "width": 1, "dash": "dot"})
    chart.update_layout(dragmode=False)
    return chart


__all__ = ["Cloud", "Member", "View", "contour_figure", "curve_figure", "ratio_figure", "surface_figure"]
