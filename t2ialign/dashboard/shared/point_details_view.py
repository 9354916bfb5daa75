"""What is behind a point of the chart: its prompts with a picture each, and the pictures of the chosen one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from t2ialign.dashboard.shared.contact_sheet import SMALL, TileGroup, sheet
from t2ialign.dashboard.shared.html import Look
from t2ialign.dashboard.shared.links import Subject, around_point
from t2ialign.dashboard.shared.templates import render
from t2ialign.names import guided
from t2ialign.store import counted_notes
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

    ``against`` is what training changed against the parent on the same prompts and seeds, a metric each.
    """

    point: TradeoffPoint
    x: Metric
    y: Metric
    look: Look
    covers: tuple[PromptRow, ...]
    open: str
    group: TileGroup
    against: tuple[Comparison, ...] = ()


def point_details_html(found: PointDetails) -> Markup:
    """The point in words, the list of its prompts, and one prompt's pictures with a link into Explore."""
    opened = next((cover for cover in found.covers if cover.cell == found.open), None)
    return render(
        "shared/point_details.html",
        found=found,
        titles={metric.name: metric.title for metric in (found.x, found.y)},
        opened=opened,
        sheet=sheet([found.group]) if opened else "",
        href=Subject(cell=found.open).href,
        around=around_point(found.point.config.key),
        hard=found.group.pixels <= SMALL,
        notes=counted_notes(found.point),
        by=guided,
    )


def nothing_chosen() -> Markup:
    """What stands there while the chart has no points."""
    return render("shared/nothing_chosen.html")


def all_points(
    points: Sequence[TradeoffPoint],
    x: Metric,
    y: Metric,
    palette: Mapping[str, Look],
    titles: Mapping[str, str] | None = None,
) -> Markup:
    """Every point as a row with its two values, each a button that opens it: the chart for keyboards and for readers."""
    if not points:
        return nothing_chosen()
    return render("shared/all_points.html", points=points, x=x, y=y, palette=palette, titles=titles or {}, by=guided)


def back_to_all() -> Markup:
    """The way back from one point to the list of all."""
    return render("shared/back_to_all.html")
