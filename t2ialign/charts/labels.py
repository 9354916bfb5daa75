"""Where names stand on a chart so that none covers another: greedily, in the order given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

LETTER, HEIGHT, GAP = 6.8, 15.0, 9.0  # pixels: a letter's width, a line's height, the distance from the point
MARKER = 6.0  # half a marker's size, in pixels
X = Literal["left", "center", "right"]
Y = Literal["top", "middle", "bottom"]
PLACES: tuple[tuple[X, Y], ...] = (
    ("left", "middle"),
    ("right", "middle"),
    ("center", "bottom"),
    ("center", "top"),
    ("left", "bottom"),
    ("left", "top"),
    ("right", "bottom"),
    ("right", "top"),
)
"""Anchors of the text, best first: the text lies on the anchor's other side of the point."""


@dataclass(frozen=True)
class Box:
    """The pixels that the plotted area has, about."""

    width: float
    height: float


@dataclass(frozen=True)
class Label:
    """A name and the point that it belongs to."""

    text: str
    x: float
    y: float


@dataclass(frozen=True)
class Placed:
    """A label with plotly's anchors and shifts in pixels."""

    label: Label
    xanchor: X
    yanchor: Y
    xshift: float
    yshift: float


Rectangle = tuple[float, float, float, float]  # left, bottom, right, top in pixels


def place(
    labels: Sequence[Label], points: Sequence[tuple[float, float]], box: Box, inside: bool = False
) -> list[Placed]:
    """Labels with room beside their points, clear of each other and of all ``points``; those without are left out.

    ``inside``: and within the box, for one that ends beyond it makes the axis longer.
    """
    left, bottom = min(x for x, _ in points), min(y for _, y in points)
    wide = (max(x for x, _ in points) - left) or 1.0
    high = (max(y for _, y in points) - bottom) or 1.0

    def pixel(x: float, y: float) -> tuple[float, float]:
        return (x - left) / wide * box.width * 0.9, (y - bottom) / high * box.height * 0.85

    taken = [_square(*pixel(x, y)) for x, y in points]
    found = []
    for label in labels:
        for xanchor, yanchor in PLACES:
            area = _area(label, *pixel(label.x, label.y), xanchor, yanchor)
            if inside and not 0 <= area[0] <= area[2] <= box.width:
                continue
            if not any(_overlap(area, other) for other in taken):
                taken.append(area)
                found.append(Placed(label, xanchor, yanchor, *_shift(xanchor, yanchor)))
                break
    return found


def _shift(xanchor: X, yanchor: Y) -> tuple[float, float]:
    return {"left": GAP, "center": 0.0, "right": -GAP}[xanchor], {"bottom": GAP, "middle": 0.0, "top": -GAP}[yanchor]


def _area(label: Label, x: float, y: float, xanchor: X, yanchor: Y) -> Rectangle:
    width = LETTER * len(label.text)
    dx, dy = _shift(xanchor, yanchor)
    left = x + dx - {"left": 0.0, "center": width / 2, "right": width}[xanchor]
    bottom = y + dy - {"bottom": 0.0, "middle": HEIGHT / 2, "top": HEIGHT}[yanchor]
    return left, bottom, left + width, bottom + HEIGHT


def _square(x: float, y: float) -> Rectangle:
    return x - MARKER, y - MARKER, x + MARKER, y + MARKER


def _overlap(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
