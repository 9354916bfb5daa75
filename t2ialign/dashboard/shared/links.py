"""Links into the page: ``?run=<id>`` shows a run, ``?cell=<key>`` a stored cell, ``?tab=<name>`` opens a tab.

A subject is what Explore shows, written as its link: ``run=<id>``, ``cell=<key>`` (or a few, with commas between), or empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, quote

LONGEST, MOST = 80, 4  # letters of an id, and cells beside each other


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
