"""A protocol at work: missing checkpoints are trained, missing pictures drawn, and everything is scored; it may be stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from t2ialign.metrics.distribution import DISTRIBUTIONS
from t2ialign.types import InputError, Interval
from t2ialign.use_cases.align.train import align
from t2ialign.use_cases.batches.distance import Population, measure
from t2ialign.use_cases.batches.picture_folders import read_pictures
from t2ialign.use_cases.batches.requests import picture_files
from t2ialign.use_cases.batches.score_batch import score_batch
from t2ialign.use_cases.protocols.plan import PlannedPrompt, ProtocolPlan
from t2ialign.use_cases.workbench import Workbench


@dataclass(frozen=True)
class Scored:
    """One finished cell: where it stands in the tables, and the mean over its seeds of every metric."""

    row: str
    guidance_scale: float
    category: str
    prompt: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class ProtocolState:
    """How far a protocol is. The last state alone is ``finished``; ``distances`` are by row and category, then by measure."""

    phase: str
    fraction: float
    remaining: float | None = None
    scored: tuple[Scored, ...] = ()
    distances: Mapping[tuple[str, str], Mapping[str, Interval]] | None = None
    notes: tuple[str, ...] = ()
    finished: bool = False


def run_protocol(
    bench: Workbench, plan: ProtocolPlan, control: Callable[[], bool] = lambda: False
) -> Iterator[ProtocolState]:
    """Works through a plan, yielding at every step; what is stored or trained already is neither drawn nor trained again."""
    parts = len(plan.trainings) + 1
    for index, one in enumerate(plan.trainings):
        folder = bench.home / "training" / one.request.name
        for state in align(bench, one.request, folder, lambda: "stop" if control() else ""):
            if control():
                return
            yield ProtocolState(
                f"training {one.request.name}", (index + state.fraction) / parts, state.remaining, notes=plan.notes
            )
    scored: list[Scored] = []
    notes: dict[str, None] = dict.fromkeys(plan.notes)
    cells, begun = (*plan.cells, *plan.captions), time.monotonic()
    for done, cell in enumerate(cells, 1):
        *_, batch = score_batch(bench, cell.request, control)
        if control():
            return
        notes.update(dict.fromkeys(batch.notes))
        if cell in plan.cells[done - 1 : done]:
            scored.append(_scored(cell, {name: score.mean for name, score in batch.scores.items()}))
        fraction = (parts - 1 + done / len(cells)) / parts
        remaining = (time.monotonic() - begun) / done * (len(cells) - done)
        yield ProtocolState(
            f"drawing {cell.request.checkpoint}", fraction, remaining, tuple(scored), notes=tuple(notes)
        )
    distances, why = _distances(bench, plan)
    yield ProtocolState("done", 1.0, None, tuple(scored), distances, (*notes, *why), finished=True)


def _scored(cell: PlannedPrompt, values: Mapping[str, float]) -> Scored:
    request = cell.request
    return Scored(cell.row, request.guidance_scale, request.prompt.category, request.prompt.text, values)


def _distances(
    bench: Workbench, plan: ProtocolPlan
) -> tuple[dict[tuple[str, str], Mapping[str, Interval]] | None, tuple[str, ...]]:
    """How far each checkpoint's pictures of the captions are from real ones, and why what is missing is missing."""
    if plan.protocol.distances is None:
        return None, ()
    if not plan.captions:
        return None, ("No distances were measured: they want --captions SET and --reference FOLDER of real pictures.",)
    real = Population(plan.asked.reference, read_pictures(picture_files(Path(plan.asked.reference))))
    groups: dict[tuple[str, str], list[PlannedPrompt]] = {}
    for cell in plan.captions:
        groups.setdefault((cell.row, cell.category), []).append(cell)
    found: dict[tuple[str, str], Mapping[str, Interval]] = {}
    why: dict[str, None] = {}
    for key, cells in groups.items():
        ours = _population(bench, cells)
        try:
            measured = measure(bench, (ours, real), plan.protocol.distances.measures, plan.entry.scorers)
        except InputError as error:
            why[str(error)] = None
            continue
        found[key] = measured.found
        why.update(dict.fromkeys(f"{DISTRIBUTIONS[name].name}: {said}" for name, said in measured.skipped.items()))
    return found, tuple(why)


def _population(bench: Workbench, cells: Sequence[PlannedPrompt]) -> Population:
    batches = [list(score_batch(bench, cell.request))[-1].whole for cell in cells]
    return Population(cells[0].request.checkpoint, torch.cat([batch.images for batch in batches]), len(batches))
