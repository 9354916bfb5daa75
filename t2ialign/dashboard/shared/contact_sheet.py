"""The contact sheet: a group of tiles a checkpoint, the same seed in the same place of every group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from t2ialign.dashboard.shared.html import Look
from t2ialign.dashboard.shared.templates import render
from t2ialign.types import Metric

TILE = {1: 104, 2: 72, 3: 72, 4: 72}
WIDE = 3  # from so many groups on, the sheet takes the whole width
LONG = 10**6
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
    def long(self) -> bool:
        """Whether the seed has more digits than there is room for, as those of designed experiments have."""
        return self.seed >= LONG

    @property
    def short(self) -> str:
        """The seed, of a long one the last digits, which tell those of one prompt apart."""
        return f"\N{HORIZONTAL ELLIPSIS}{self.seed % 1000:03}" if self.long else str(self.seed)

    @property
    def phase(self) -> str:
        if self.large:
            return "ready"
        return "taking-shape" if self.source else "waiting"


@dataclass(frozen=True)
class TileGroup:
    """One checkpoint's tiles; ``pixels`` is the side of its pictures."""

    name: str
    look: Look
    tiles: tuple[Tile, ...]
    pixels: int


def sheet(groups: Sequence[TileGroup]) -> Markup:
    """All groups beside each other; names stand above them where there are several."""
    seeds = max((len(group.tiles) for group in groups), default=0)
    side = TILE[min(len(groups), 4)] * next((share for crowd, share in CROWD if seeds > crowd), 1) if groups else 0
    wide = len(groups) >= WIDE
    return render("shared/contact_sheet.html", groups=groups, side=f"{side:.0f}", wide=wide, small=SMALL)


def empty_sheet() -> Markup:
    """What stands there before the first picture: what to do."""
    return render("shared/empty_sheet.html")
