"""A grid of prompts, checkpoints and guidance scales, cell by cell; finished cells are skipped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from t2ialign.experiments import prompt_sets
from t2ialign.experiments.requests import BatchRequest, check_metrics
from t2ialign.experiments.score_batch import score_batch
from t2ialign.experiments.workbench import Workbench
from t2ialign.types import InputError


@dataclass(frozen=True)
class SweepState:
    """How far a sweep is: finished cells, pictures made so far, seconds to go."""

    done: int
    total: int
    generated: int
    seconds: float
    remaining: float | None

    @property
    def fraction(self) -> float:
        return self.done / self.total


def grid(
    prompts: str,
    checkpoints: Sequence[str],
    guidance_scales: Sequence[str],
    seeds: tuple[int, ...],
    steps: int,
    metrics: Sequence[str] = (),
) -> tuple[BatchRequest, ...]:
    """Every combination, prompts innermost, so that one checkpoint stays loaded.

    Raises:
        InputError: an unknown prompt set, a guidance scale that is no number, or an empty list.
    """
    try:
        scales = [float(scale) for scale in guidance_scales]
    except ValueError as error:
        raise InputError(f"Guidance scales are numbers separated by commas, as 1,2,4: {error}.") from error
    chosen = check_metrics(metrics)
    cells = tuple(
        BatchRequest(prompt, checkpoint, seeds, scale, steps, metrics=chosen)
        for checkpoint in checkpoints
        for scale in scales
        for prompt in prompt_sets.load(prompts)
    )
    if not cells:
        raise InputError("The grid is empty; name at least one checkpoint and one guidance scale.")
    return cells


def sweep(
    bench: Workbench, cells: Sequence[BatchRequest], cancelled: Callable[[], bool] = lambda: False
) -> Iterator[SweepState]:
    """Works through the cells; the time to go is estimated from the cells that really had to be computed."""
    started, generated, computed, spent = time.monotonic(), 0, 0, 0.0
    for done, request in enumerate(cells, 1):
        *_, state = score_batch(bench, request, cancelled)
        if cancelled():
            return
        generated += state.generated
        if state.generated:
            computed, spent = computed + 1, spent + state.seconds
        remaining = (len(cells) - done) * spent / computed if computed else None
        yield SweepState(done, len(cells), generated, time.monotonic() - started, remaining)
