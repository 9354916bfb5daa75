"""What is behind a point of the chart: its prompts with a picture each, and the pictures of the chosen one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from t2ialign.charts.intervals import in_words, number, signed
from t2ialign.dashboard.shared.contact_sheet import Group, sheet
from t2ialign.dashboard.shared.html import Look, who
from t2ialign.dashboard.shared.links import Subject
from t2ialign.dashboard.shared.words import counted, short
from t2ialign.tradeoff.comparison import Comparison
from t2ialign.types import Metric, TradeoffPoint


@dataclass(frozen=True)
class PromptRow:
    """One prompt behind a point: its cell, a picture of it and its two values."""

    cell: str
    prompt: str
    category: str
    picture: str
    x: float
    y: float


@dataclass(frozen=True)
class PointDetails:
    """A point with its prompts; ``group`` holds the pictures of the one that is ``open``.

    ``against`` is what the point's adapters changed on the same prompts and seeds, a metric each.
    """

    point: TradeoffPoint
    x: Metric
    y: Metric
    look: Look
    covers: tuple[PromptRow, ...]
    open: str
    group: Group
    against: tuple[Comparison, ...] = ()


def point_details_html(found: PointDetails) -> str:
    """The point in words, the list of its prompts, and one prompt's pictures with a link into Explore."""
    point = found.point
    facts = f"{counted(point.prompts, 'prompt')}, {counted(point.seeds, 'picture')}"
    title = f"{who(point.config.checkpoint, found.look)} at CFG {point.config.guidance_scale:g}"
    numbers = "".join(
        f"<div><dt>{escape(metric.title)}</dt><dd>{in_words(interval)}</dd></div>"
        for metric, interval in ((found.x, point.x), (found.y, point.y))
    )
    rows = "".join(_cover(cover, found) for cover in found.covers)
    axes = "".join(f"<i>{escape(metric.title)}</i>" for metric in (found.x, found.y))
    head = f'<div class="t2-cover head"><span>Prompts</span><span class="t2-pair">{axes}</span></div>'
    return (
        f'<section class="t2-point-details" data-point="{point.config.key}"><header><h3>{title}</h3><p>{facts}</p>'
        f"<dl>{numbers}</dl>{_against(found)}</header>{_opened(found)}"
        f'<div class="t2-covers" role="group" aria-label="Prompts behind this point">{head}{rows}</div></section>'
    )


def _against(found: PointDetails) -> str:
    """What the adapters changed, prompt by prompt: their point's own interval mostly tells how prompts differ."""
    if not found.against:
        return ""
    titles = {metric.name: metric.title for metric in (found.x, found.y)}
    said = "; ".join(f"{escape(titles[one.metric])} {_change(one)}" for one in found.against)
    prompts = counted(found.against[0].prompts, "prompt")
    return f'<p class="t2-against">Against the base, on the same seeds of {prompts}: {said}.</p>'


def _change(one: Comparison) -> str:
    if one.difference is None:
        return f"<b>{number(one.policy_mean.mean)}</b> instead of {number(one.base_mean.mean)}"
    change = one.difference
    if math.isnan(change.lo):
        return f"<b>{signed(change.mean)}</b>"
    verdict = "higher" if change.lo > 0 else "lower" if change.hi < 0 else "no clear difference"
    return f"<b>{signed(change.mean)}</b> ({signed(change.lo)} to {signed(change.hi)}, {verdict})"


def nothing_chosen() -> str:
    """What stands there while the chart has no points."""
    return (
        '<div class="t2-empty slim"><h3>Behind every point are pictures</h3>'
        "<p>Click a point of the chart to see its prompts, and the pictures of each.</p></div>"
    )


def all_points(points: Sequence[TradeoffPoint], x: Metric, y: Metric, palette: Mapping[str, Look]) -> str:
    """Every point as a row with its two values, each a button that opens it: the chart for keyboards and for readers."""
    if not points:
        return nothing_chosen()
    rows = "".join(_row(point, palette[point.config.checkpoint]) for point in points)
    axes = "".join(f"<i>{escape(metric.title)}</i>" for metric in (x, y))
    head = f'<div class="t2-cover head"><span>Points</span><span class="t2-pair">{axes}</span></div>'
    return (
        '<section class="t2-point-details"><header><h3>Behind every point are pictures</h3>'
        "<p>Click a point, here or in the chart, to see its prompts, and the pictures of each.</p></header>"
        f'<div class="t2-covers tall" role="group" aria-label="Points of the chart">{head}{rows}</div></section>'
    )


def _row(point: TradeoffPoint, look: Look) -> str:
    title = f"{who(point.config.checkpoint, look)} at CFG {point.config.guidance_scale:g}"
    return (
        f'<button type="button" class="t2-cover" data-point="{point.config.key}" data-cell="">'
        f"<span><b>{title}</b><small>{counted(point.prompts, 'prompt')}</small></span>"
        f'<span class="t2-pair"><i>{short(point.x.mean)}</i><i>{short(point.y.mean)}</i></span></button>'
    )


def back_to_all() -> str:
    """The way back from one point to the list of all."""
    return '<button type="button" class="t2-back">← All points</button>'


def _opened(found: PointDetails) -> str:
    cover = next((cover for cover in found.covers if cover.cell == found.open), None)
    if cover is None:
        return ""
    return (
        f'<div class="t2-opened"><p class="t2-prompt">{escape(cover.prompt)}</p>{sheet([found.group])}'
        f'<a class="t2-open" href="{escape(Subject(cell=cover.cell).href)}">Open in Explore</a></div>'
    )


def _cover(cover: PromptRow, found: PointDetails) -> str:
    pressed = str(cover.cell == found.open).lower()
    picture = f'<img src="{cover.picture}" alt="" loading="lazy">' if cover.picture else ""
    hard = " hard" if found.group.pixels <= 128 else ""
    return (
        f'<button type="button" class="t2-cover{hard}" data-cell="{cover.cell}" aria-pressed="{pressed}">{picture}'
        f"<span><b>{escape(cover.prompt)}</b><small>{escape(cover.category)}</small></span>"
        f'<span class="t2-pair"><i title="{escape(found.x.title)}">{short(cover.x)}</i>'
        f'<i title="{escape(found.y.title)}">{short(cover.y)}</i></span></button>'
    )
