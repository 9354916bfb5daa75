"""Looks up what is behind a point of the chart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.batch_view import picture_scores
from t2ialign.dashboard.shared.chart_points import ChartChoice, ChartPoints, cells_of, load_arrows, load_points
from t2ialign.dashboard.shared.contact_sheet import Tile, TileGroup
from t2ialign.dashboard.shared.html import Look
from t2ialign.dashboard.shared.pictures import address
from t2ialign.dashboard.shared.point_details_view import PointDetails, PromptRow
from t2ialign.store import Cell, Filters, ScoredPoints, find_cell, list_cells
from t2ialign.store.scores import records_of
from t2ialign.tradeoff.comparison import Comparison
from t2ialign.tradeoff.points import CellScore
from t2ialign.types import TradeoffPoint

STRIP = 6


def point_details(services: Services, chosen: ChartChoice, config: str, cell: str = "") -> PointDetails:
    """The point of a config's key under the chosen metrics and filters, with one of its prompts opened.

    Raises:
        InputError: no such point is on the chart.
    """
    found = load_points(services, chosen)
    point, rows = cells_of(services, chosen, found, config)
    covers = _covers(services, rows, point, chosen)
    opened = cell if cell in point.cells else covers[0].cell
    look = services.palette()[point.config.checkpoint]
    group = cell_group(services, find_cell(services.store, opened), look, chosen)
    against = _against_parent(services, chosen, found, point)
    return PointDetails(point, chosen.x, chosen.y, look, covers, opened, group, against)


def strip_of(services: Services, chosen: ChartChoice, config: str) -> list[str]:
    """Addresses of a few pictures behind a point, for the strip beside the pointer; none for an unknown point."""
    cells = list_cells(services.store, replace(chosen.shown, configs=(config,)))
    step = max(1, len(cells) // STRIP)
    return [address(cell.key, cell.seeds[0], small=True) for cell in cells[::step][:STRIP]]


def cell_group(services: Services, cell: Cell, look: Look, chosen: ChartChoice) -> TileGroup:
    """The tiles of a stored cell, with every score that its pictures have."""
    shown = chosen.x if chosen.x.level == "image" else chosen.y
    records = [record for record in records_of(services.store, cell.key) if record.level == "image"]
    values: dict[str, dict[int, float]] = defaultdict(dict)
    for record in records:
        values[record.metric].update(zip(record.seeds, record.values))
    table = picture_scores(values, shown)
    tiles = tuple(
        Tile(seed, address(cell.key, seed, small=True), address(cell.key, seed), table.get(seed, ()))
        for seed in cell.seeds
    )
    return TileGroup(cell.config.checkpoint, look, tiles, cell.config.height)


def _against_parent(
    services: Services, chosen: ChartChoice, found: ChartPoints, point: TradeoffPoint
) -> tuple[Comparison, ...]:
    """What training the point's checkpoint changed on the prompts and seeds that its parent has too, metric by metric."""
    alone = ChartPoints(ScoredPoints((point,), found.scored.versions), whole=1)
    made = load_arrows(services, chosen, alone)
    return tuple({one.metric: one for arrow in made for one in (arrow.x, arrow.y)}.values())


def _covers(
    services: Services, rows: Sequence[CellScore], point: TradeoffPoint, chosen: ChartChoice
) -> tuple[PromptRow, ...]:
    values = {(row.cell, row.metric): row.value.mean for row in rows}
    cells = list_cells(services.store, Filters(cells=point.cells))
    return tuple(
        PromptRow(
            cell.key,
            cell.prompt.text,
            cell.prompt.category,
            address(cell.key, cell.seeds[0], small=True),
            values[cell.key, chosen.x.name],
            values[cell.key, chosen.y.name],
        )
        for cell in sorted(cells, key=lambda cell: (cell.prompt.category, cell.prompt.text))
    )
