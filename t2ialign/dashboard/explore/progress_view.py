"""The line above the pictures: what is happening, how far it is, how long it will take, and what came of it."""

from __future__ import annotations

from markupsafe import Markup

from t2ialign.dashboard.shared.links import Subject, around_cells
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.words import counted, duration, waiting
from t2ialign.use_cases.batches.run import RunState
from t2ialign.use_cases.batches.score_batch import BatchState


def progress(state: RunState, status: str, ahead: int, subject: Subject, wait: float | None = None) -> Markup:
    """The bar with its sentence, and the link to what is shown."""
    return render(
        "explore/progress.html",
        status=status,
        working=status in ("queued", "running"),
        percent=100 if status == "done" else 100 * state.fraction,
        sentence=sentence(state, status, ahead, wait),
        link=subject.href if str(subject) else "",
        around=around_cells(batch.cell for batch in state.batches if batch.images),
    )


def sentence(state: RunState, status: str, ahead: int, wait: float | None = None) -> str:
    """One sentence in words: where a run stands."""
    if status == "queued":
        return waiting(ahead, wait)
    return _working(state) if status == "running" else _ended(state, status)


def _working(state: RunState) -> str:
    at_work = next((batch for batch in state.batches if batch.phase not in ("waiting", "done")), None)
    if at_work is None:
        return "Starting."
    made, wanted = _pictures(state)
    name = f" {at_work.request.checkpoint}" if len(state.batches) > 1 else ""
    if at_work.phase == "loading":
        return f"Loading{name or ' the model'}."
    if len(at_work.images) == len(at_work.request.seeds):
        return f"Scoring{name}."
    left = f", about {duration(state.remaining)} left" if state.remaining is not None else ""
    return f"Generating{name}: {made} of {counted(wanted, 'picture')}{left}."


def _ended(state: RunState, status: str) -> str:
    made, wanted = _pictures(state)
    if status == "done" and all(batch.from_store for batch in state.batches):
        return f"{counted(wanted, 'picture')} from the store: nothing was computed."
    if status == "done" and not made and any(batch.scores for batch in state.batches):
        return f"The scores of {counted(wanted, 'picture')} are here without the pictures: Generate draws them again."
    if status == "done":
        fresh = sum(batch.generated for batch in state.batches)
        seconds = sum(batch.seconds for batch in state.batches)
        kept = f", {wanted - fresh} were there already" if 0 < fresh < wanted else ""
        return f"{counted(fresh, 'picture')} in {duration(seconds)}{kept}." if fresh else f"{counted(made, 'picture')}."
    kept = f"{made} of {counted(wanted, 'picture')} are kept; Generate makes the rest." if made else ""
    reason = {
        "cancelled": "Cancelled.",
        "interrupted": "Interrupted: the program was stopped while this ran.",
        "failed": "Stopped by a problem.",
    }.get(status, "")
    return f"{reason} {kept}".strip()


def _pictures(state: RunState) -> tuple[int, int]:
    return sum(len(batch.images) for batch in state.batches), sum(len(batch.request.seeds) for batch in state.batches)


def notes(batches: tuple[BatchState, ...]) -> list[str]:
    """What the batches want said, each once."""
    return list(dict.fromkeys(note for batch in batches for note in batch.notes))
