"""A run: the same prompt and seeds on one to four checkpoints, one after another, under an id that a permalink carries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from t2ialign import store
from t2ialign.types import InputError
from t2ialign.use_cases.batches.requests import BatchRequest, checked
from t2ialign.use_cases.batches.score_batch import BatchState, config_of, score_batch, stored_state
from t2ialign.use_cases.previews import draw_after
from t2ialign.use_cases.workbench import Workbench

MAX_CHECKPOINTS = 4


@dataclass(frozen=True)
class RunState:
    """Every checkpoint's batch as it stands, in the order asked for."""

    run: str
    batches: tuple[BatchState, ...]

    @property
    def fraction(self) -> float:
        return sum(batch.fraction for batch in self.batches) / len(self.batches)

    @property
    def remaining(self) -> float | None:
        """Seconds to go: what the batch at work expects, and as much again for each that waits."""
        waiting = sum(batch.phase == "waiting" for batch in self.batches)
        for batch in self.batches:
            if batch.remaining is not None and batch.phase not in ("waiting", "done"):
                whole = batch.remaining / max(1 - batch.fraction, 1e-3)
                return batch.remaining + waiting * whole
        return None


def requests_for(request: BatchRequest, checkpoints: Sequence[str]) -> tuple[BatchRequest, ...]:
    """The same request for each checkpoint, checked."""
    chosen = tuple(dict.fromkeys(name.strip() for name in checkpoints if name.strip()))
    if not 1 <= len(chosen) <= MAX_CHECKPOINTS:
        raise InputError(f"Choose one to {MAX_CHECKPOINTS} checkpoints to compare, not {len(chosen)}.")
    return tuple(checked(replace(request, checkpoint=name)) for name in chosen)


def open_run(bench: Workbench, requests: Sequence[BatchRequest]) -> store.Run:
    """Writes the run down before its work begins, so that its link works from the first second."""
    configs = [config_of(bench, request)[1] for request in requests]
    return store.add_run(bench.store, requests[0].prompt, configs, requests[0].seeds)


def run_batches(
    bench: Workbench, run: str, requests: Sequence[BatchRequest], cancelled: Callable[[], bool] = lambda: False
) -> Iterator[RunState]:
    """Works through a run, yielding all batches at every step, and keeps its status in the store.

    At its end checkpoints that have no strip of pictures get one, where that is soon done.
    """
    states = [BatchState(request, config_of(bench, request)[1]) for request in requests]
    status: store.Status = "failed"
    try:
        for index, request in enumerate(requests):
            for state in score_batch(bench, request, cancelled):
                states[index] = state
                yield RunState(run, tuple(states))
        status = "cancelled" if cancelled() else "done"
    finally:
        store.set_status(bench.store, run, status)
    if status == "done":
        draw_after(bench, states, cancelled)


def stored_run(bench: Workbench, run: str) -> RunState:
    """A run as the store remembers it: the pictures and scores that are there, whoever made them.

    Raises:
        InputError: no such run.
    """
    found = store.find_run(bench.store, run)
    return RunState(run, tuple(stored_state(bench, found.prompt, config, found.seeds) for config in found.configs))
