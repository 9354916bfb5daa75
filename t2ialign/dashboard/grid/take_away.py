"""A grid to take away: its pictures as PNGs with their settings and scores, or one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import csv
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from markupsafe import Markup

from t2ialign.codec import encode
from t2ialign.dashboard.grid.form import AXES
from t2ialign.dashboard.grid.table import GridTable, Showing, table_of
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.html import Look
from t2ialign.dashboard.shared.pictures import picture_file, png_of, settings_of
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.wiring import asset
from t2ialign.store import Store
from t2ialign.store.export import tamed
from t2ialign.store.images import thumbnail
from t2ialign.types import Interval
from t2ialign.use_cases.batches.grid import TITLES, CellState, GridAxes, GridCell, GridPage, GridState

WHOLE_PIXELS = 128  # larger pictures are embedded as thumbnails; the ZIP has them whole


def write_zip(store: Store, pages: Sequence[GridPage], state: GridState, axes: GridAxes, path: Path) -> None:
    """Every picture as ``row-01/column-02/seed-0003.png``; ``grid.json`` and ``pictures.csv`` say what they are.

    Where pages are turned, ``page-01/`` comes first. The JSON has the axes and, cell by cell, the settings, the files and
    every score with its interval; the CSV has a line a picture with the scores of its own. What is stored as a thumbnail
    only is named in a text file.
    """
    states = {one.request: one for one in state.cells}
    cells: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    lost = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for folder, place, cell in _places(pages, axes):
            one, files = states[cell.request], {}
            for seed in (seed for seed in cell.seeds if seed in one.seeds):
                name = f"{folder}/seed-{seed:04}.png"
                data = png_of(store, one.cell, seed)
                if data is None:
                    lost.append(name)
                else:
                    archive.writestr(name, data)
                    files[seed] = name
            cells.append(place | _cell_record(cell, one, files))
            lines += [place | line for line in _picture_lines(one, files)]
        said = {
            name: {"kind": axis.kind, "title": TITLES[axis.kind], "values": axis.values}
            for name, axis in zip(AXES, axes, strict=True)
            if axis.kind or name != "z"
        }
        archive.writestr("grid.json", json.dumps(said | {"cells": cells}, indent=1))
        archive.writestr("pictures.csv", _csv(lines))
        if lost:
            text = "Of these pictures only thumbnails are stored; generate them again to have them here:\n"
            archive.writestr("left-out.txt", text + "\n".join(lost) + "\n")


def _places(pages: Sequence[GridPage], axes: GridAxes) -> Iterator[tuple[str, dict[str, Any], GridCell]]:
    """Every cell with its folder and with where it stands; a page is said where pages are turned."""
    x, y, z = axes
    for turned, page in enumerate(pages):
        folder, leaf = (f"page-{turned + 1:02}/", {"page": turned + 1, "z": z.values[turned]}) if z.kind else ("", {})
        for down, row in enumerate(page):
            for across, cell in enumerate(row):
                place = {"row": down + 1, "column": across + 1, "y": y.values[down], "x": x.values[across]}
                yield f"{folder}row-{down + 1:02}/column-{across + 1:02}", leaf | place, cell


def _cell_record(cell: GridCell, state: CellState, files: Mapping[int, str]) -> dict[str, Any]:
    """A cell's settings, files and scores; a cell of some of its request's seeds has no scores of the set."""
    whole = cell.seeds == state.request.seeds
    scores = {name: encode(Interval(score.mean, score.lo, score.hi)) for name, score in state.scores.items()}
    return {
        "prompt": state.request.prompt.text,
        "config": encode(state.config),
        "seeds": cell.seeds,
        "files": list(files.values()),
        "scores": scores if whole else {},
    }


def _picture_lines(state: CellState, files: Mapping[int, str]) -> Iterator[dict[str, Any]]:
    single = {name: score.values.tolist() for name, score in state.scores.items() if score.level == "image"}
    for seed, name in files.items():
        place = state.seeds.index(seed)
        scores = {metric: values[place] for metric, values in single.items() if len(values) == len(state.seeds)}
        made = {"prompt": state.request.prompt.text, "checkpoint": state.config.checkpoint, "seed": seed, "file": name}
        yield made | scores


def _csv(lines: Sequence[Mapping[str, Any]]) -> str:
    columns = dict.fromkeys(name for line in lines for name in line)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: tamed(value) for name, value in line.items()} for line in lines)
    return out.getvalue()


def write_html(
    services: Services,
    pages: Sequence[GridPage],
    state: GridState,
    axes: GridAxes,
    showing: Showing,
    path: Path,
) -> None:
    """All pages' tables with their pictures, scores and settings in one file: no script from elsewhere, no request."""
    store = services.store
    palette = services.palette(one.config.checkpoint for one in state.cells)

    def embedded(cell: str, seed: int) -> str:
        data = picture_file(store, cell, seed)
        if data is None:
            return ""
        small = max(one.config.height for one in state.cells) <= WHOLE_PIXELS
        return f"data:image/webp;base64,{base64.b64encode(data if small else thumbnail(data)).decode()}"

    tables = [
        table_of(pages, state, axes, palette, replace(showing, page=page), embedded) for page in range(len(pages))
    ]
    path.write_text(standalone(store, tables, state, axes, palette), encoding="utf-8")


def standalone(
    store: Store, tables: Sequence[GridTable], state: GridState, axes: GridAxes, palette: Mapping[str, Look]
) -> str:
    """The page around the tables; each picture's settings stand in it as A1111 writes them."""
    made = {}
    for one in state.cells:
        for seed in one.seeds:
            found = settings_of(store, one.cell, seed)
            made[f"pictures/{one.cell}/{seed}.webp"] = found.parameters if found else ""
    x, y, z = (TITLES[axis.kind] for axis in axes)
    title = f"{y} by {x}" if axes[1].kind else x
    return render(
        "grid/take_away.html",
        title=f"{title}, pages of {z}" if axes[2].kind else title,
        pages=[(table.page_name, _drawn(table, palette)) for table in tables],
        metrics=(tables[0].alignment, tables[0].diversity),
        made=made,
        style=Markup(asset("grid/alone/take_away.css") + asset("grid/grid.css")),
        script=Markup(asset("grid/take_away.js") + asset("grid/slider.js") + "slideGrid(document);"),
    )


def _drawn(table: GridTable, palette: Mapping[str, Look]) -> Markup:
    """A page's table, without what only the live page has."""
    names = {*table.columns, *(name for name, _ in table.rows)}
    looks = {name: look for name, look in palette.items() if name in names}
    return render("grid/table.html", table=table, titles=TITLES, palette=looks, place="")
