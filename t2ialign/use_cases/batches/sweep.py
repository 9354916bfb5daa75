"""A grid of requests, cell by cell; finished cells are skipped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import score_batch
from t2ialign.use_cases.workbench import Workbench


@dataclass(frozen=True)
class BatchesState:
    """How far a sweep is: finished cells, pictures made so far, seconds to go, and the notes of all cells so far.

    A note is (sentence, the prompts it is about), in the order they came.
    """

    done: int
    total: int
    generated: int
    seconds: float
    remaining: float | None
    notes: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def fraction(self) -> float:
        return self.done / self.total


def sweep(
    bench: Workbench, cells: Sequence[BatchRequest], cancelled: Callable[[], bool] = lambda: False
) -> Iterator[BatchesState]:
    """Works through the cells; the time to go is estimated from the cells that really had to be computed."""
    started, generated, computed, spent = time.monotonic(), 0, 0, 0.0
    notes: dict[str, dict[str, None]] = {}
    for done, request in enumerate(cells, 1):
        *_, state = score_batch(bench, request, cancelled)
        if cancelled():
            return
        generated += state.generated
        for note in state.notes:
            notes.setdefault(note, {})[request.prompt.text] = None
        if state.generated:
            computed, spent = computed + 1, spent + state.seconds
        remaining = (len(cells) - done) * spent / computed if computed else None
        said = tuple((note, tuple(prompts)) for note, prompts in notes.items())
        yield BatchesState(done, len(cells), generated, time.monotonic() - started, remaining, said)


def note_lines(notes: Sequence[tuple[str, tuple[str, ...]]], most: int = 5) -> Iterator[str]:
    """A sweep's notes to read: the first few, each with its prompt or their number, and how many more there are."""
    for note, prompts in notes[:most]:
        yield f"{prompts[0][:60]!r}: {note}" if len(prompts) == 1 else f"{len(prompts)} prompts: {note}"
    if len(notes) > most:
        yield f"{len(notes) - most} more such notes; --json prints all."
