"""A page of a grid as one PNG: headers, pictures and both scores of every cell, for a paper or a message."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from t2ialign.dashboard.grid.table import GridTable, GridTableCell
from t2ialign.dashboard.shared.pictures import picture_file
from t2ialign.store import Store
from t2ialign.types import Interval
from t2ialign.use_cases.batches.grid import TITLES

INK, MUTED, LINE = "#1F2937", "#5B6472", "#E5E7EB"
LETTERS, HEADER, MARGIN, GAP, BETWEEN = 18, 260, 24, 4, 20  # pixels
LONGEST_SIDE = 10_000  # of the whole picture; larger grids have smaller pictures
SMALLEST, LARGEST = 32, 256  # the side of one picture


@dataclass(frozen=True)
class PictureLayout:
    """The layout in pixels: ``side`` of a picture, ``cell`` of its square of pictures, ``top`` where the first row begins."""

    side: int
    cell: int
    width: int
    height: int
    top: int


def write_png(store: Store, table: GridTable, path: Path) -> None:
    """The table as it stands, in its order; what is not drawn yet is an empty square."""
    sizes = _measures(table)
    sheet = Image.new("RGB", (sizes.width, sizes.height), "white")
    canvas = ImageDraw.Draw(sheet)
    _headers(canvas, table, sizes)
    for down, (_, cells) in enumerate(table.rows):
        for across, cell in enumerate(cells):
            _draw_cell(sheet, canvas, store, table, cell, sizes, _corner(sizes, across, down))
    sheet.save(path)


def _measures(table: GridTable) -> PictureLayout:
    columns, rows = len(table.columns), len(table.rows)
    pixels = max((cell.pixels for _, cells in table.rows for cell in cells), default=LARGEST)
    room = min(
        (LONGEST_SIDE - HEADER) / columns / table.side,
        (LONGEST_SIDE - HEADER) / rows / table.side - 2 * LETTERS / table.side,
    )
    side = max(SMALLEST, min(2 * pixels if pixels <= LARGEST // 2 else LARGEST, int(room) - GAP))
    cell = table.side * side + (table.side - 1) * GAP
    width = MARGIN + HEADER + columns * (cell + BETWEEN)
    top = MARGIN + (5 if table.page_name else 3) * LETTERS
    return PictureLayout(side, cell, width, top + rows * (cell + 2 * LETTERS + BETWEEN) + MARGIN, top)


def _corner(sizes: PictureLayout, across: int, down: int) -> tuple[int, int]:
    left = MARGIN + HEADER + across * (sizes.cell + BETWEEN)
    return left, sizes.top + down * (sizes.cell + 2 * LETTERS + BETWEEN)


def _headers(canvas: ImageDraw.ImageDraw, table: GridTable, sizes: PictureLayout) -> None:
    if table.page_name:
        words = f"Page {table.page + 1} of {len(table.z.values)}: {table.page_name}"
        canvas.text((MARGIN, MARGIN - 6), _fitting(canvas, words, sizes.width - 2 * MARGIN), INK, _font(LETTERS))
    names = f"A: {table.alignment.title}\nD: {table.diversity.title}"
    canvas.multiline_text((MARGIN, sizes.top - 3 * LETTERS - 6), names, MUTED, _font(LETTERS - 4))
    for across, name in enumerate(table.columns):
        left, top = _corner(sizes, across, 0)
        words = name if across else f"{TITLES[table.x.kind]} {name}"
        canvas.text((left, top - 2 * LETTERS), _fitting(canvas, words, sizes.cell), INK, _font(LETTERS))
    for down, (name, _) in enumerate(table.rows):
        top = _corner(sizes, 0, down)[1]
        words = _lines(canvas, name, HEADER - MARGIN, max(1, sizes.cell // LETTERS))
        canvas.multiline_text((MARGIN, top), words, INK, _font(LETTERS))
        canvas.line((MARGIN, top - BETWEEN // 2, sizes.width - MARGIN, top - BETWEEN // 2), LINE)


def _draw_cell(
    sheet: Image.Image,
    canvas: ImageDraw.ImageDraw,
    store: Store,
    table: GridTable,
    cell: GridTableCell,
    sizes: PictureLayout,
    corner: tuple[int, int],
) -> None:
    left, top = corner
    for index, place in enumerate(cell.places):
        row, column = divmod(index, table.side)
        at = left + column * (sizes.side + GAP), top + row * (sizes.side + GAP)
        data = picture_file(store, cell.key, place.seed) if place.large else None
        if data is None:
            canvas.rectangle((*at, at[0] + sizes.side, at[1] + sizes.side), outline=LINE)
            continue
        with Image.open(io.BytesIO(data)) as picture:
            hard = Image.Resampling.NEAREST if cell.pixels <= LARGEST // 2 else Image.Resampling.LANCZOS
            ratio = sizes.side / max(picture.size)
            small = picture.convert("RGB").resize((round(picture.width * ratio), round(picture.height * ratio)), hard)
        sheet.paste(small, at)
    words = f"A {_number(cell.alignment)}    D {_number(cell.diversity)}"
    under = top + math.ceil(len(cell.places) / table.side) * (sizes.side + GAP) + 4
    canvas.text((left, under), _fitting(canvas, words, sizes.cell + BETWEEN), MUTED, _font(LETTERS - 3))


def _number(interval: Interval) -> str:
    return f"{interval.mean:.3g}" if math.isfinite(interval.mean) else "–"


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _fitting(canvas: ImageDraw.ImageDraw, words: str, width: int) -> str:
    """The words as far as they fit into a line."""
    if canvas.textlength(words, _font(LETTERS)) <= width:
        return words
    while words and canvas.textlength(f"{words}…", _font(LETTERS)) > width:
        words = words[:-1]
    return f"{words}…"


def _lines(canvas: ImageDraw.ImageDraw, words: str, width: int, most: int) -> str:
    """The words in at most so many lines."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if canvas.textlength(longer, _font(LETTERS)) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    kept = lines[:most] if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1]} …"]
    return "\n".join(_fitting(canvas, line, width) for line in kept)
