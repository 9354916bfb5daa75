"""A grid to take away: its pictures as PNGs that carry their settings, or one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from t2ialign.dashboard.grid.table import Table, table_of
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.html import Look
from t2ialign.dashboard.shared.pictures import picture_file, png_of, settings_of
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.wiring import asset
from t2ialign.store import Store
from t2ialign.store.images import thumbnail
from t2ialign.use_cases.batches.grid import TITLES, GridAxis, GridCell, GridState

WHOLE_PIXELS = 128  # larger pictures are embedded as thumbnails; the ZIP has them whole


def write_zip(store: Store, rows: Sequence[Sequence[GridCell]], state: GridState, path: Path) -> None:
    """Every picture as ``row-01/column-02/seed-0003.png``; what is a thumbnail only is named in a text file."""
    states = {one.request: one for one in state.cells}
    lost = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for down, row in enumerate(rows, 1):
            for across, cell in enumerate(row, 1):
                one = states[cell.request]
                for seed in (seed for seed in cell.seeds if seed in one.seeds):
                    name = f"row-{down:02}/column-{across:02}/seed-{seed:04}.png"
                    data = png_of(store, one.cell, seed)
                    if data is None:
                        lost.append(name)
                    else:
                        archive.writestr(name, data)
        if lost:
            text = "Of these pictures only thumbnails are stored; generate them again to have them here:\n"
            archive.writestr("left-out.txt", text + "\n".join(lost) + "\n")


def write_html(
    services: Services,
    rows: Sequence[Sequence[GridCell]],
    state: GridState,
    axes: tuple[GridAxis, GridAxis],
    order: str,
    path: Path,
) -> None:
    """The table with its pictures, scores and settings in one file: no script from elsewhere, no request."""
    store = services.store
    palette = services.palette(one.config.checkpoint for one in state.cells)

    def embedded(cell: str, seed: int) -> str:
        data = picture_file(store, cell, seed)
        if data is None:
            return ""
        small = max(one.config.height for one in state.cells) <= WHOLE_PIXELS
        return f"data:image/webp;base64,{base64.b64encode(data if small else thumbnail(data)).decode()}"

    table = table_of(rows, state, *axes, palette, order, embedded)
    path.write_text(standalone(store, table, state, axes, palette), encoding="utf-8")


def standalone(
    store: Store, table: Table, state: GridState, axes: tuple[GridAxis, GridAxis], palette: Mapping[str, Look]
) -> str:
    """The page around the table; each picture's settings stand in it as A1111 writes them."""
    made = {}
    for one in state.cells:
        for seed in one.seeds:
            found = settings_of(store, one.cell, seed)
            made[f"pictures/{one.cell}/{seed}.webp"] = found.parameters if found else ""
    names = {*table.columns, *(name for name, _ in table.rows)}
    looks = {name: look for name, look in palette.items() if name in names}
    drawn = render("grid/table.html", table=table, titles=TITLES, palette=looks, place="")
    x, y = (TITLES[axis.kind] for axis in axes)
    title = f"{y} by {x}" if axes[1].kind else x
    return render(
        "grid/take_away.html",
        title=title,
        table=drawn,
        metrics=(table.alignment, table.diversity),
        made=made,
        style=Markup(asset("grid/alone/take_away.css") + asset("grid/grid.css")),
        script=Markup(asset("grid/take_away.js")),
    )
