"""Weights that a run's scores lack: a button of the owner's fetches them, and the run is scored with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import gradio as gr

from t2ialign.dashboard.explore.subject_state import SubjectState, fetching, watch
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.links import read_query
from t2ialign.dashboard.shared.visitors import Visitor
from t2ialign.dashboard.shared.wiring import Updates
from t2ialign.network import in_bytes
from t2ialign.use_cases.batches.rescore import RescoreState, report, rescore
from t2ialign.use_cases.measures import LeftOut, joined
from t2ialign.use_cases.weights import fetch_weights
from t2ialign.use_cases.workbench import Workbench


@dataclass(frozen=True)
class Fetching:
    """A fetch as the engine keeps it: ``news`` is what has happened, the newest last; it grows while bytes come."""

    news: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return self.news[-1] if self.news else "Fetching."


def button(watched: SubjectState) -> gr.Button:
    """The button that fetches missing weights: it names them, and is hidden while nothing is missing or a fetch is at work."""
    names = [part.scorer for part in lacking(watched)]
    shown = bool(names) and not watched.working and not watched.fetching
    return gr.Button(f"Fetch {' and '.join(names)}" if names else "Fetch", visible=shown)


def lacking(watched: SubjectState) -> tuple[LeftOut, ...]:
    """What is left out of a subject's scores and could be fetched."""
    return joined(part for batch in watched.batches for part in batch.left_out if part.fetch)


def fetch(services: Services, visitor: Visitor, subject: str) -> Updates:
    """Begins to fetch what the subject's scores lack; ``InputError``, and so the page, says what stands in the way."""
    if not visitor.owner:
        return {"notice": notice(owner.REFUSAL)}
    watched = watch(services, read_query(subject))
    parts = lacking(watched)
    if not parts:
        return {"fetch": button(watched)}
    metrics = tuple(dict.fromkeys(name for part in parts for name in part.metrics))
    cells = tuple(batch.cell for batch in watched.batches)
    names = tuple(dict.fromkeys(part.scorer for part in parts))
    owner.note_act("", "fetch")
    services.downloads.submit(fetching(watched.subject), partial(_work, services.bench, names, metrics, cells))
    return {"fetch": gr.Button(visible=False), "timer": gr.Timer(active=True)}


def _work(
    bench: Workbench, names: Sequence[str], metrics: Sequence[str], cells: Sequence[str], cancelled: Callable[[], bool]
) -> Iterator[Fetching]:
    found = Fetching()
    yield found

    def watch_bytes(what: str, done: int, total: int | None) -> None:
        of = f" of {in_bytes(total)} ({done / total:.0%})" if total else ""
        found.news[:] = [f"Fetching {what}: {in_bytes(done)}{of}."]

    problems = [one.problem for one in fetch_weights(bench.registry(), names, watch_bytes) if one.problem]
    scored = RescoreState(0, 0)
    for scored in rescore(bench, metrics, cells, cancelled):
        found.news.append(f"Scoring: {scored.fraction:.0%}.")
        yield found
    found.news.append(" ".join([*problems, report(scored)]))
    yield found
