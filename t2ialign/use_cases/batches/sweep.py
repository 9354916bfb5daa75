"""A grid of requests, cell by cell; finished cells are skipped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import score_batch
from t2ialign.use_cases.workbench import Workbench


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
