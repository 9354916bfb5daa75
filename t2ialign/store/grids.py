"""Grids that were asked for: two settings changed at once, kept as the page's form so that it can be filled again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from t2ialign.store.database import Store, insert
from t2ialign.types import InputError


@dataclass(frozen=True)
class Grid:
    """A grid under an id that fits in a link.

    ``record`` is the page's form as JSON, ``words`` what a search finds it by, ``cells`` what it shows, row by row.
    """

    id: str
    created: datetime
    title: str
    axes: str
    words: str
    record: str
    cells: tuple[str, ...]
    seeds: tuple[int, ...]


COLUMNS = "grid, created, title, axes, words, record, cells, seeds"


def keep_grid(store: Store, grid: Grid) -> None:
    """Stores a grid; one that was asked for before is the newest again."""
    values = (grid.title, grid.axes, grid.words, grid.record, list(grid.cells), list(grid.seeds))
    created = grid.created.astimezone(UTC).replace(tzinfo=None)
    row = dict(zip(COLUMNS.split(", "), (grid.id, created, *values)))
    with store.transaction() as cursor:
        insert(cursor, "grids", [row], "DO UPDATE SET created = excluded.created")


def find_grid(store: Store, grid: str) -> Grid:
    """The grid of a link; ``InputError`` if there is none."""
    found = _grids(store, "grid = $grid", {"grid": grid})
    if not found:
        raise InputError(f"There is no grid {grid[:40]!r} in this store: check the link, or make the grid anew.")
    return found[0]


def list_grids(
    store: Store, limit: int = 50, search: str = "", starred: bool = False, since: datetime | None = None
) -> list[Grid]:
    """Grids, the last asked for first, without those that were forgotten; what is left out by what, as of runs.

    ``search`` are words of a prompt, of a checkpoint's name, of what changes, of the note or of what people call it.
    """
    matching = """
        contains(lower(concat(title, ' ', axes, ' ', words, ' ',
            (SELECT any_value(concat(note, ' ', run_marks.title)) FROM run_marks WHERE run_marks.run = grid))), lower($search))
        AND ($since IS NULL OR created >= $since::TIMESTAMP)
        AND NOT EXISTS (SELECT 1 FROM run_marks WHERE run_marks.run = grid AND forgotten)
        AND (NOT $starred OR EXISTS (SELECT 1 FROM run_marks WHERE run_marks.run = grid AND starred))
    """
    after = since.astimezone(UTC).replace(tzinfo=None) if since else None
    return _grids(store, matching, {"search": search, "starred": starred, "since": after, "limit": limit})


def _grids(store: Store, condition: str, params: dict[str, object]) -> list[Grid]:
    page = "LIMIT $limit" if "limit" in params else ""
    rows = store.rows(f"SELECT {COLUMNS} FROM grids WHERE {condition} ORDER BY created DESC, grid {page}", params)
    return [
        Grid(grid, created.replace(tzinfo=UTC), title, axes, words, record, tuple(cells), tuple(seeds))
        for grid, created, title, axes, words, record, cells, seeds in rows
    ]
