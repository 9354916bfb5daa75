"""How work stands, as a record: from the engine that does it, or from the store that remembers it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from t2ialign.dashboard.api.endpoint import NOT_YOURS, Call
from t2ialign.dashboard.api.records import Batch, Measured, Picture, Work
from t2ialign.names import strategy_of
from t2ialign.store import find_run
from t2ialign.types import InputError, Score
from t2ialign.use_cases.batches.grid import CellState, GridState
from t2ialign.use_cases.batches.run import RunState, stored_run
from t2ialign.use_cases.batches.score_batch import BatchState
from t2ialign.use_cases.batches.score_pictures import PictureReport
from t2ialign.use_cases.sweeps.job import KIND

OPEN = ("grid ", "score ")  # how the engine's keys begin that may be asked for; runs are UUIDs
SWEEPS = f"{KIND}-"  # how the ids of sweeps begin, which are jobs and the owner's
ENDED = ("done", "cancelled", "failed")


def standing(call: Call, key: str, stored: Any = None) -> Work:
    """Work by its id; ``stored`` is the state of what needed no work.

    Raises:
        InputError: there is no such work, or it is the owner's.
    """
    if key.startswith(SWEEPS):
        return _of_sweep(call, key)
    task = call.services.engine.look(key)
    if stored is not None:
        return _work(key, "done", stored)
    if not key.startswith(OPEN):
        found = find_run(call.services.store, key)
        key, task = found.id, call.services.engine.look(found.id)
        if task is None:
            return _work(key, found.status, stored_run(call.services.bench, key))
    if task is None:
        raise InputError(f"There is no work called {key[:60]!r} here any more: ask for it anew, what it drew is kept.")
    state = task.record
    if state is None and not key.startswith(OPEN):
        state = stored_run(call.services.bench, key)
    engine, visits = call.services.engine, call.services.visits
    return _work(key, task.status, state, engine.ahead_of(key), visits.seconds_until(key), task.error)


def _of_sweep(call: Call, key: str) -> Work:
    """A sweep as its job stands."""
    if not call.visitor.owner:
        raise InputError(NOT_YOURS)
    found = call.services.supervisor.job(key)
    waiting = (one for one in call.services.supervisor.jobs() if one.status == "queued" and one.created < found.created)
    there, wanted = found.progress.pictures
    notes = (f"{there} of {wanted} pictures",) if wanted else ()
    return Work(
        found.id,
        found.status,
        1.0 if found.status == "done" else found.progress.fraction,
        None if found.status in ENDED else found.progress.remaining,
        len(list(waiting)) if found.status == "queued" else 0,
        notes=notes,
        problem=found.message if found.status == "failed" else "",
    )


def measured(scores: Mapping[str, Score] | Iterable[Score]) -> tuple[Measured, ...]:
    """Scores without their single values."""
    found = scores.values() if isinstance(scores, Mapping) else scores
    return tuple(Measured(one.metric, one.axis, one.mean, one.lo, one.hi, one.version) for one in found)


def _work(key: str, status: str, state: Any, ahead: int = 0, begins: float | None = None, problem: str = "") -> Work:
    done = 1.0 if status == "done" else 0.0
    fraction = done or float(getattr(state, "fraction", 0.0))
    remaining = None if done else getattr(state, "remaining", None)
    notes: tuple[str, ...] = ()
    batches: tuple[Batch, ...] = ()
    scores: tuple[Measured, ...] = ()
    match state:
        case RunState():
            batches = tuple(_batch(one, tuple(one.images)) for one in state.batches)
        case GridState():
            batches = tuple(_batch(one, one.seeds) for one in state.cells)
        case PictureReport():
            left = tuple(f"{name} is not measured: {why}." for name, why in state.skipped.items())
            scores, notes = measured(state.scores), (*state.notes, *left)
    return Work(key, status, fraction, remaining, ahead, begins, batches, scores, notes, problem)


def _batch(one: BatchState | CellState, seeds: tuple[int, ...]) -> Batch:
    config = one.config
    return Batch(
        one.cell,
        one.request.checkpoint or config.checkpoint,
        one.request.prompt.text,
        config.guidance_scale,
        strategy_of(config),
        config.num_inference_steps,
        tuple(Picture(seed, f"pictures/{one.cell}/{seed}.png") for seed in seeds),
        measured(one.scores),
        one.notes,
    )
