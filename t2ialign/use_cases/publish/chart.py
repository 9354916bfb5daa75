"""The card's chart as a PNG, drawn without a browser: parent and checkpoint along guidance, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from PIL import Image, ImageDraw, ImageFont

from t2ialign.types import Interval, Metric
from t2ialign.use_cases.publish.trade_off import TradeOff

SHARPER = 2  # drawn so many times as large: Pillow's lines have no soft edges of their own
WIDTH, HEIGHT = 1200 * SHARPER, 760 * SHARPER
LEFT, RIGHT, TOP, BOTTOM = 130 * SHARPER, 40 * SHARPER, 110 * SHARPER, 110 * SHARPER
INK, MUTED, GRID, COLOR = "#1F2937", "#5B6472", "#E5E7EB", "#D94C0D"
FAINT = {INK: "#A8B0BC", COLOR: "#F0B79C"}
Place = Callable[[float, float], tuple[float, float]]
Curve = Sequence[tuple[float, Interval, Interval]]  # CFG, x, y


def draw(found: TradeOff) -> Image.Image:
    """Both curves on the two metrics' axes; a line at each CFG from the parent to the checkpoint."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
    canvas = ImageDraw.Draw(picture)
    base = [(point.config.guidance_scale, point.x, point.y) for point in found.curve]
    policy = [(arrow.policy.guidance_scale, arrow.x.policy_mean, arrow.y.policy_mean) for arrow in found.arrows]
    spans = _span([x for _, x, _ in (*base, *policy)]), _span([y for _, _, y in (*base, *policy)])
    place = _place(*spans)
    _axes(canvas, found, spans, place)
    for curve, color in ((base, INK), (policy, COLOR)):
        _intervals(canvas, curve, FAINT[color], place)
    for arrow in found.arrows:
        ends = [
            place(getattr(arrow.x, side).mean, getattr(arrow.y, side).mean) for side in ("base_mean", "policy_mean")
        ]
        canvas.line(ends, fill=COLOR, width=2 * SHARPER)
    across = float(LEFT)
    for curve, color, name in ((base, INK, found.parent), (policy, COLOR, found.checkpoint)):
        _curve(canvas, curve, color, place)
        across = _legend(canvas, name[:40], across, color)
    return picture.resize((WIDTH // SHARPER, HEIGHT // SHARPER), Image.Resampling.LANCZOS)


def _span(intervals: Sequence[Interval]) -> tuple[float, float]:
    """From the lowest end to the highest, with a twentieth of room."""
    ends = [end for one in intervals for end in (one.mean, one.lo, one.hi) if math.isfinite(end)]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    room = (high - low) / 20 or abs(high) / 10 or 1.0
    return low - room, high + room


def _place(x: tuple[float, float], y: tuple[float, float]) -> Place:
    def place(right: float, up: float) -> tuple[float, float]:
        across = LEFT + (right - x[0]) / (x[1] - x[0]) * (WIDTH - LEFT - RIGHT)
        return across, HEIGHT - BOTTOM - (up - y[0]) / (y[1] - y[0]) * (HEIGHT - TOP - BOTTOM)

    return place


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size * SHARPER)


def _axes(canvas: ImageDraw.ImageDraw, found: TradeOff, spans: Sequence[tuple[float, float]], place: Place) -> None:
    (left, right), (low, high) = spans
    for x in _ticks(left, right):
        across = place(x, low)[0]
        canvas.line([(across, TOP), (across, HEIGHT - BOTTOM)], fill=GRID, width=SHARPER)
        canvas.text((across, HEIGHT - BOTTOM + 10 * SHARPER), f"{x:g}", fill=MUTED, font=_font(20), anchor="ma")
    for y in _ticks(low, high):
        down = place(left, y)[1]
        canvas.line([(LEFT, down), (WIDTH - RIGHT, down)], fill=GRID, width=SHARPER)
        canvas.text((LEFT - 12 * SHARPER, down), f"{y:g}", fill=MUTED, font=_font(20), anchor="rm")
    canvas.text((WIDTH / 2, HEIGHT - 50 * SHARPER), _title(found.x), fill=INK, font=_font(24), anchor="ma")
    canvas.text((LEFT, TOP - 40 * SHARPER), _title(found.y), fill=INK, font=_font(24))


def _ticks(low: float, high: float) -> Iterator[float]:
    """Round numbers between two ends, four to ten of them."""
    size = 10.0 ** math.floor(math.log10((high - low) / 4))
    step = next(size * times for times in (5, 2, 1) if (high - low) / (size * times) >= 4)
    for count in range(math.ceil(low / step), math.floor(high / step) + 1):
        yield round(count * step, 12)


def _title(metric: Metric) -> str:
    """In letters that the built-in font has."""
    return f"{metric.axis.capitalize()}: {metric.title}".encode("latin-1", "replace").decode("latin-1")


def _intervals(canvas: ImageDraw.ImageDraw, curve: Curve, color: str, place: Place) -> None:
    for _, x, y in curve:
        if math.isfinite(x.lo) and math.isfinite(x.hi):
            canvas.line([place(x.lo, y.mean), place(x.hi, y.mean)], fill=color, width=SHARPER)
        if math.isfinite(y.lo) and math.isfinite(y.hi):
            canvas.line([place(x.mean, y.lo), place(x.mean, y.hi)], fill=color, width=SHARPER)


def _curve(canvas: ImageDraw.ImageDraw, curve: Curve, color: str, place: Place) -> None:
    canvas.line([place(x.mean, y.mean) for _, x, y in curve], fill=color, width=3 * SHARPER, joint="curve")
    half = 7 * SHARPER
    for scale, x, y in curve:
        across, down = place(x.mean, y.mean)
        canvas.ellipse([(across - half, down - half), (across + half, down + half)], fill=color)
        canvas.text((across - half, down - 2 * half), f"{scale:g}", fill=color, font=_font(17), anchor="rm")


def _legend(canvas: ImageDraw.ImageDraw, name: str, across: float, color: str) -> float:
    """A curve's name above the chart; where the next one begins."""
    half, down = 7 * SHARPER, 30 * SHARPER
    canvas.ellipse([(across, down - half), (across + 2 * half, down + half)], fill=color)
    start = across + 3 * half
    canvas.text((start, down), name, fill=color, font=_font(24), anchor="lm")
    return start + canvas.textlength(name, font=_font(24)) + 40 * SHARPER
