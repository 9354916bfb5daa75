"""What the page shows of a subject: the work as the engine has it, or what the store remembers of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.links import Subject
from t2ialign.store import find_cell, find_run, list_runs
from t2ialign.types import InputError
from t2ialign.use_cases.batches.run import RunState, stored_run
from t2ialign.use_cases.batches.score_batch import BatchState, stored_state

RECENT = 5  # batches that are looked at for one with pictures
Status = Literal["none", "queued", "running", "done", "cancelled", "failed", "interrupted"]


@dataclass(frozen=True)
class SubjectState:
    """A subject as it stands; ``state`` is None before the first picture, ``error`` one sentence if it failed.

    ``fetching`` says how the fetch of weights for its scores stands, while one does; ``fetched`` what came of it.
    """

    subject: Subject
    status: Status = "none"
    state: RunState | None = None
    ahead: int = 0
    wait: float | None = None  # seconds until it begins, where that is known
    error: str = ""
    fetching: str = ""
    fetched: str = ""

    @property
    def working(self) -> bool:
        return self.status in ("queued", "running")

    @property
    def batches(self) -> tuple[BatchState, ...]:
        return self.state.batches if self.state else ()

    @property
    def mark(self) -> str:
        """A text that differs from the last one whenever the page would; while it stays the same nothing is sent."""
        parts = [f"{b.phase} {b.fraction:.4f} {len(b.images)} {len(b.scores)}" for b in self.batches]
        wait = "" if self.wait is None else f"{self.wait:.0f}"
        return f"{self.subject} {self.status} {self.ahead} {wait} {parts} {self.fetching} {self.fetched}"


def watch(services: Services, subject: Subject) -> SubjectState:
    """A subject as it stands.

    Raises:
        InputError: the store knows no such run or cell, or the cells are of several prompts.
    """
    if not subject.run and not subject.cell:
        return SubjectState(subject)
    task = services.downloads.look(fetching(subject))
    if subject.run:
        found = _watch_run(services, subject, scored_since=task is not None and task.finished)
    else:
        cells = [find_cell(services.store, key) for key in subject.cells]
        if not cells or len({cell.prompt.text for cell in cells}) > 1:
            raise InputError("Only cells of one prompt stand beside each other: check the link.")
        batches = tuple(stored_state(services.bench, cell.prompt, cell.config, cell.seeds) for cell in cells)
        found = SubjectState(subject, "done", RunState("", batches))
    if task is None:
        return found
    news = task.error or (str(task.record) if task.record else "Fetching.")
    return replace(found, fetched=news) if task.finished else replace(found, fetching=news)


def last(services: Services) -> SubjectState:
    """The newest batch that has pictures or is being made; nothing where strangers come, or before the first one."""
    for run in [] if owner.guarded() else list_runs(services.store, limit=RECENT):
        found, task = watch(services, Subject(run=run.id)), services.engine.look(run.id)
        if (task is not None and not task.finished) or any(batch.images for batch in found.batches):
            return found
    return SubjectState(Subject())


def fetching(subject: Subject) -> str:
    """The key of the task that fetches what a subject's scores lack."""
    return f"weights {subject}"


def _watch_run(services: Services, subject: Subject, scored_since: bool) -> SubjectState:
    task = services.engine.look(subject.run)
    if task is None or (task.finished and scored_since):
        status = find_run(services.store, subject.run).status
        return SubjectState(subject, status, stored_run(services.bench, subject.run))
    ahead = services.engine.ahead_of(subject.run)
    state, wait = task.record or stored_run(services.bench, subject.run), services.visits.seconds_until(subject.run)
    return SubjectState(subject, task.status, state, ahead, wait, task.error)
