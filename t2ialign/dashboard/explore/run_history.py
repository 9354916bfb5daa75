"""Explore's history: every batch that was asked for, newest first, to find again, star, and forget."""

from __future__ import annotations

from collections.abc import Mapping
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
from t2ialign.dashboard.shared.words import duration
from t2ialign.store import Filters, Run, RunMark, find_run, list_cells, list_runs, run_marks, set_run_mark
from t2ialign.types import InputError

PAGE = 12  # runs
DAYS = {"Any time": 0, "Last 24 hours": 1, "Last 7 days": 7, "Last 30 days": 30}
THUMBNAILS = 6


@dataclass(frozen=True)
class HistoryRow:
    """One run: a few of its pictures, who drew them, and when."""

    run: Run
    pictures: tuple[str, ...]
    looks: tuple[tuple[str, Look], ...]
    ago: str
    starred: bool
    note: str = ""

    @property
    def href(self) -> str:
        return Subject(run=self.run.id).href


def show(services: Services, key: str, search: str | None, starred: bool, days: float, shown: float) -> Updates:
    """The first so many runs that hold the words, and whether there are more."""
    try:
        owner.check(key)
    except InputError as error:
        return {"history": notice(str(error), "hint"), "history_more": gr.Button(visible=False)}
    count, words = max(PAGE, int(shown)), (search or "").strip()[:200]
    since = datetime.now(UTC) - timedelta(days=days) if days else None
    found = list_runs(services.store, limit=count + 1, search=words, starred=starred, since=since)
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
    """A run starred, noted, forgotten, or taken back; its pictures and scores stay in any case."""
    owner.check(key)
    run = find_run(services.store, said(data, "run", LONGEST))
    act, known = said(data, "act"), run_marks(services.store).get(run.id, RunMark())
    changed = {
        "note": replace(known, note=" ".join(said(data, "note").split())),
        "star": replace(known, starred=not known.starred),
        "forget": replace(known, forgotten=True),
        "recall": replace(known, forgotten=False),
    }.get(act)
    if changed is None:
        return {}
    set_run_mark(services.store, run.id, changed)
    updates = show(services, key, search, starred, days, shown)
    if act == "forget":
        updates["history"] = Markup(render("explore/forgotten.html", run=run)) + updates["history"]
    return updates


def _rows(services: Services, runs: list[Run]) -> list[HistoryRow]:
    cells = {
        cell.key: cell for cell in list_cells(services.store, Filters(cells=tuple(c for r in runs for c in r.cells)))
    }
    marked, palette, now = run_marks(services.store), services.palette(), datetime.now(UTC)
    rows = []
    for run in runs:
        there = [(cell, seed) for cell in run.cells if cell in cells for seed in cells[cell].seeds if seed in run.seeds]
        step = max(1, len(there) // THUMBNAILS)
        pictures = tuple(address(cell, seed, small=True) for cell, seed in there[::step][:THUMBNAILS])
        names = dict.fromkeys(config.checkpoint for config in run.configs)
        looks = tuple((name, palette[name]) for name in names if name in palette)
        mark, ago = marked.get(run.id, RunMark()), f"{duration((now - run.created).total_seconds())} ago"
        rows.append(HistoryRow(run, pictures, looks, ago, mark.starred, mark.note))
    return rows
