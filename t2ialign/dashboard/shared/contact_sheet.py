"""The contact sheet: a group of tiles a checkpoint, the same seed in the same place of every group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from t2ialign.dashboard.shared.html import Look, who
from t2ialign.dashboard.shared.words import short
from t2ialign.types import Metric

TILE = {1: 104, 2: 72, 3: 72, 4: 72}
WIDE = 3  # from so many groups on, the sheet takes the whole width
CROWD = ((40, 0.6), (24, 0.75))  # many seeds make small tiles
SMALL = 128  # pictures up to this size are enlarged with hard pixels


@dataclass(frozen=True)
class Tile:
    """One seed's place: empty while it waits, a preview while it takes shape. The first score is printed under it."""

    seed: int
    source: str = ""
    large: str = ""
    scores: tuple[tuple[Metric, float], ...] = ()

    @property
    def phase(self) -> str:
        if self.large:
            return "ready"
        return "taking-shape" if self.source else "waiting"


@dataclass(frozen=True)
class Group:
    """One checkpoint's tiles; ``pixels`` is the side of its pictures."""

    name: str
    look: Look
    tiles: tuple[Tile, ...]
    pixels: int


def sheet(groups: Sequence[Group]) -> str:
    """All groups beside each other; names stand above them where there are several."""
    seeds = max((len(group.tiles) for group in groups), default=0)
    side = TILE[min(len(groups), 4)] * next((share for crowd, share in CROWD if seeds > crowd), 1) if groups else 0
    drawn = "".join(_group(group, index, len(groups) > 1) for index, group in enumerate(groups))
    wide = " wide" if len(groups) >= WIDE else ""
    return f'<div class="t2-sheet{wide}" style="--groups:{len(groups)};--tile:{side:.0f}px">{drawn}</div>'


def empty_sheet() -> str:
    """What stands there before the first picture: what to do."""
    return (
        '<div class="t2-empty"><div class="t2-empty-tiles" aria-hidden="true">' + "<i></i>" * 8 + "</div>"
        "<h3>Your pictures appear here</h3><p>Press <b>Generate</b>: sixteen seeds of the prompt take shape before your "
        "eyes, each is checked against the prompt, and the batch becomes a point on the chart.</p></div>"
    )


def _group(group: Group, index: int, named: bool) -> str:
    title = f'<h3 title="{escape(group.name)}">{who(group.name, group.look)}</h3>' if named else ""
    hard = " hard" if group.pixels <= SMALL else ""
    tiles = "".join(_tile(tile, group, index) for tile in group.tiles)
    return (
        f'<section class="t2-group{hard}" data-name="{escape(group.name)}" style="{group.look.style}" '
        f'aria-label="{escape(group.name)}">{title}<div class="t2-tiles">{tiles}</div></section>'
    )


def _tile(tile: Tile, group: Group, index: int) -> str:
    picture = f'<img src="{tile.source}" alt="" loading="lazy" draggable="false">' if tile.source else ""
    shown = short(tile.scores[0][1]) if tile.scores else ""
    said = f", {tile.scores[0][0].title} {shown}" if shown else ""
    state = {"ready": "", "taking-shape": ", taking shape", "waiting": ", waiting"}[tile.phase]
    return (
        f'<button type="button" class="t2-tile {tile.phase}" data-seed="{tile.seed}" data-large="{tile.large}" '
        f'aria-label="Seed {tile.seed} of {escape(group.name)}{escape(said)}{state}">'
        f'<span class="t2-picture">{picture}</span>'
        f'<span class="t2-under"><span class="t2-seed">{tile.seed}</span><b>{shown}</b></span>{_more(tile)}</button>'
    )


def _more(tile: Tile) -> str:
    """Every score of the picture, shown while the pointer rests on it and in the large view."""
    if not tile.scores:
        return '<span class="t2-more" hidden></span>'
    rows = "".join(
        f"<span>{escape(metric.title)}</span><b>{short(value)}</b>" for metric, value in tile.scores if value == value
    )
    return f'<span class="t2-more"><em>Seed {tile.seed}</em>{rows}</span>'
