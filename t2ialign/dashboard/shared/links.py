"""Links into the page: ``?run=<id>`` shows a run, ``?cell=<key>`` a stored cell, ``?tab=<name>`` opens a tab.

Pages do not import each other: what one page says to another stands here.

A subject is what Explore shows, written as its link: ``run=<id>``, ``cell=<key>`` (or a few, with commas between), or empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, quote

from t2ialign.samplers import UsualRun

LONGEST, MOST = 80, 4  # letters of an id, and cells beside each other
GRID_SEEDS, GRID_CELLS = 16, 144  # as many as a grid shows of each


@dataclass(frozen=True)
class Subject:
    """What Explore shows: a run, or stored cells of one prompt; both empty before the first picture."""

    run: str = ""
    cell: str = ""

    def __str__(self) -> str:
        if self.run:
            return f"run={quote(self.run)}"
        return f"cell={quote(self.cell, safe=',')}" if self.cell else ""

    @property
    def cells(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(filter(None, self.cell.split(","))))[:MOST]

    @property
    def href(self) -> str:
        return f"?{self}"


def read_query(query: str) -> Subject:
    """The subject of an address' query (or of a subject's own text); whatever else stands there is ignored."""
    fields = parse_qs(query.removeprefix("?"), max_num_fields=100) if len(query) < 4096 else {}
    run = fields.get("run", [""])[0][:LONGEST]
    return Subject(run, "" if run else fields.get("cell", [""])[0][:LONGEST])


def around_cells(cells: Iterable[str]) -> str:
    """The address of a new sweep around stored cells of one prompt."""
    return f"?tab=sweep&around={quote(','.join(cells), safe=',')}"


def around_point(config: str) -> str:
    """The address of a new sweep around a point of the chart."""
    return f"?tab=sweep&around={quote('point:' + config, safe=':')}"


def grid_link(
    scales: Sequence[str],
    checkpoints: Sequence[str],
    prompt: str,
    seeds: Sequence[int],
    steps: int,
    guidance: str,
    size: str = "",
    scheduler: str = UsualRun.scheduler,
) -> str:
    """The address of CFG by checkpoint for one prompt on Grid, on as many of the seeds as a cell shows.

    Empty where Grid does not show such cells: too many of them, or seeds that are not in a row.
    """
    shown = list(seeds)[:GRID_SEEDS]
    if shown != list(range(shown[0], shown[0] + len(shown))) or len(scales) * len(checkpoints) > GRID_CELLS:
        return ""
    said = {
        "x": "guidance_scale",
        "x_values": list(scales),
        "y": "checkpoint",
        "y_values": list(checkpoints),
        "prompt": prompt,
        "guidance": guidance,
        "first_seed": shown[0],
        "seed_count": len(shown),
        "steps": steps,
        **({"size": size} if size else {}),
        **({"scheduler": scheduler} if scheduler != UsualRun.scheduler else {}),
    }
    return f"?tab=grid&grid={quote(json.dumps(said, separators=(',', ':')))}"
