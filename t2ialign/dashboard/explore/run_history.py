"""Explore's history: every batch and grid that was asked for, newest first, to find again, star, and forget."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import gradio as gr
from markupsafe import Markup

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.html import Look, notice
from t2ialign.dashboard.shared.links import LONGEST, Subject
from t2ialign.dashboard.shared.pictures import address
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.wiring import Updates, said
from t2ialign.dashboard.shared.words import counted, duration
from t2ialign.store import (
    Filters,
    Grid,
    Run,
    RunMark,
    find_grid,
    find_run,
    list_cells,
    list_grids,
    list_runs,
    run_marks,
    set_run_mark,
)
from t2ialign.types import InputError

PAGE = 12  # runs
DAYS = {"Any time": 0, "Last 24 hours": 1, "Last 7 days": 7, "Last 30 days": 30}
THUMBNAILS = 6
MOST_NAMES = 4
LONGEST_NAME = 120
GRID = re.compile("[0-9a-f]{16}")
Kept = Run | Grid


@dataclass(frozen=True)
class HistoryRow:
    """One batch or grid: a few of its pictures, who drew them, and when. ``facts`` say in a line how."""

    id: str
    created: datetime
    title: str
    facts: str
    href: str
    pictures: tuple[str, ...]
    looks: tuple[tuple[str, Look], ...]
    ago: str
    starred: bool
    note: str = ""
    called: str = ""  # by people, in the place of its title


def show(services: Services, key: str, search: str | None, starred: bool, days: float, shown: float) -> Updates:
    """The first so many batches and grids that hold the words, and whether there are more."""
    try:
        owner.check(key)
    except InputError as error:
        return {"history": notice(str(error), "hint"), "history_more": gr.Button(visible=False)}
    count, words = max(PAGE, int(shown)), (search or "").strip()[:200]
    since = datetime.now(UTC) - timedelta(days=days) if days else None
    runs = list_runs(services.store, limit=count + 1, search=words, starred=starred, since=since)
    grids = list_grids(services.store, limit=count + 1, search=words, starred=starred, since=since)
    kept: list[Kept] = [*runs, *grids]
    found = sorted(kept, key=lambda one: one.created, reverse=True)
    asked = bool(words or starred or days)
    drawn = render("explore/run_history.html", rows=_rows(services, found[:count]), searched=asked)
    return {"history": drawn, "history_more": gr.Button(visible=len(found) > count)}


def more(services: Services, key: str, search: str | None, starred: bool, days: float, shown: float) -> Updates:
    """As many again."""
    count = max(PAGE, int(shown)) + PAGE
    return {"history_shown": count, **show(services, key, search, starred, days, count)}


def mark(
    services: Services, data: Mapping[str, Any], key: str, search: str | None, starred: bool, days: float, shown: float
) -> Updates:
    """A batch or grid starred, noted, renamed, forgotten, or taken back; its pictures and scores stay in any case."""
    owner.check(key, "mark")
    one = _find(services, said(data, "run", LONGEST))
    act, known = said(data, "act"), run_marks(services.store).get(one.id, RunMark())
    changed = {
        "note": replace(known, note=" ".join(said(data, "note").split())),
        "rename": replace(known, title=_name(said(data, "title"), _title(one))),
        "star": replace(known, starred=not known.starred),
        "forget": replace(known, forgotten=True),
        "recall": replace(known, forgotten=False),
    }.get(act)
    if changed is None:
        return {}
    set_run_mark(services.store, one.id, changed)
    updates = show(services, key, search, starred, days, shown)
    if act == "forget":
        updates["history"] = (
            Markup(render("explore/forgotten.html", id=one.id, title=known.title or _title(one))) + updates["history"]
        )
    return updates


def _find(services: Services, name: str) -> Kept:
    return find_grid(services.store, name) if GRID.fullmatch(name) else find_run(services.store, name)


def _title(one: Kept) -> str:
    return one.prompt.text if isinstance(one, Run) else one.title


def _name(text: str, own: str) -> str:
    """What a batch is called from now on; nothing or its own title gives that back."""
    title = " ".join(text.split())
    if len(title) > LONGEST_NAME:
        raise InputError(f"A name of {len(title)} letters has no room in the list: {LONGEST_NAME} at most.")
    return "" if title == own else title


def _rows(services: Services, found: Sequence[Kept]) -> list[HistoryRow]:
    wanted = tuple(cell for one in found for cell in one.cells)
    cells = {cell.key: cell for cell in list_cells(services.store, Filters(cells=wanted))} if wanted else {}
    marked, palette, now = run_marks(services.store), services.palette(), datetime.now(UTC)
    rows = []
    for one in found:
        there = [(cell, seed) for cell in one.cells if cell in cells for seed in cells[cell].seeds if seed in one.seeds]
        step = max(1, len(there) // THUMBNAILS)
        pictures = tuple(address(cell, seed, small=True) for cell, seed in there[::step][:THUMBNAILS])
        names = dict.fromkeys(cells[cell].config.checkpoint for cell in one.cells if cell in cells)
        looks = tuple((name, palette[name]) for name in names if name in palette)[:MOST_NAMES]
        mark, ago = marked.get(one.id, RunMark()), f"{duration((now - one.created).total_seconds())} ago"
        facts, href = _facts(one), _href(one)
        rows.append(
            HistoryRow(
                one.id,
                one.created,
                _title(one),
                facts,
                href,
                pictures,
                looks,
                ago,
                mark.starred,
                mark.note,
                mark.title,
            )
        )
    return rows


def _facts(one: Kept) -> str:
    if isinstance(one, Grid):
        return f"Grid: {one.axes}" if one.axes else "Grid"
    ended = f", {one.status}" if one.status != "done" else ""
    return f"CFG {one.configs[0].guidance_scale:g}, {counted(len(one.seeds), 'seed')}{ended}"


def _href(one: Kept) -> str:
    return Subject(run=one.id).href if isinstance(one, Run) else f"?tab=grid&grid={one.id}"
