"""A sweep at work: what the plan has and the store has not, stage by stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from t2ialign.metrics.scoring import version_of
from t2ialign.store import Tally, WantedBatch
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import BatchState, score_batch
from t2ialign.use_cases.batches.scoring import weights_of
from t2ialign.use_cases.sweeps.plan import SweepPlan, SweepTask
from t2ialign.use_cases.workbench import Workbench

Versions = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class SweepState:
    """How far a sweep is: ``done`` cells of ``total`` have all their seeds scored, ``generated`` pictures were drawn now.

    ``pictures`` of ``wanted`` are there. A note is (sentence, the prompts it is about), in the order they came.
    """

    done: int
    total: int
    generated: int = 0
    pictures: int = 0
    wanted: int = 0
    seconds: float = 0.0
    remaining: float | None = None
    phase: str = "looking"
    notes: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def fraction(self) -> float:
        """By pictures; whole only once every cell is scored."""
        return 1.0 if self.done == self.total else min(self.pictures / self.wanted, 0.999)


@dataclass(frozen=True)
class Left:
    """A task that is still to do: so many of its pictures are there."""

    task: SweepTask
    there: int

    @property
    def missing(self) -> int:
        """Pictures to draw, if all earlier stages have been done."""
        return min(self.task.fresh, len(self.task.seeds) - self.there)


def remaining_tasks(bench: Workbench, plan: SweepPlan) -> tuple[list[Left], list[Tally]]:
    """What is not there in today's versions, in the plan's order, and how much of each cell is there.

    A cell that has everything has no early stage any more.
    """
    versions = _versions(bench, plan)
    whole = bench.results.tally([WantedBatch(cell.cell, cell.request.seeds) for cell in plan.cells])
    known = {cell.cell: found for cell, found in zip(plan.cells, whole, strict=True)}

    def is_done(task: SweepTask, found: Tally) -> bool:
        wanted = versions[task.cell.config.backbone]
        return found.pictures == len(task.seeds) and found.scores >= wanted

    tasks = [task for task in plan.tasks() if not _finished(task, known, versions)]
    early = [task for task in tasks if not task.last]
    found = dict(
        zip(early, bench.results.tally([WantedBatch(task.cell.cell, task.seeds) for task in early]), strict=True)
    )
    todo = [task for task in tasks if task.last or not is_done(task, found[task])]
    return [Left(task, (known[task.cell.cell] if task.last else found[task]).pictures) for task in todo], whole


def run_sweep(bench: Workbench, plan: SweepPlan, cancelled: Callable[[], bool] = lambda: False) -> Iterator[SweepState]:
    """Draws and scores what is missing; yields at every step, the last time with everything done unless ``cancelled``."""
    for found in plan.benchmarks():
        bench.results.keep_benchmark(found)
    begun = time.monotonic()
    todo, there = remaining_tasks(bench, plan)
    pace = _Pace(plan, todo)
    notes: dict[str, dict[str, None]] = {}
    cells = len({left.task.cell.cell for left in todo if left.task.last})
    state = SweepState(len(plan.cells) - cells, len(plan.cells), wanted=plan.pictures)
    state = replace(state, pictures=sum(found.pictures for found in there), phase="drawing" if todo else "done")
    yield state
    for left in todo:
        before = state
        for batch in score_batch(bench, task_request(left.task), cancelled):
            state = _at_work(before, batch, pace, left, time.monotonic() - begun)
            yield state
        if cancelled():
            return
        pace.done(left, batch)
        for note in batch.notes:
            notes.setdefault(note, {})[left.task.cell.request.prompt.text] = None
        said = tuple((note, tuple(prompts)) for note, prompts in notes.items())
        state = replace(state, done=before.done + left.task.last, remaining=pace.remaining, notes=said)
        yield state
    yield replace(state, phase="done", remaining=None, seconds=time.monotonic() - begun)


@dataclass
class _Pace:
    """Seconds to go, by what evaluations of the model took so far, their pictures' scoring included."""

    plan: SweepPlan
    todo: Sequence[Left]

    def __post_init__(self) -> None:
        self.left = float(sum(self.work(one) for one in self.todo))
        self.worked, self.spent = 0.0, 0.0

    def work(self, one: Left) -> float:
        return one.missing * self.plan.conditions[one.task.cell.condition].evaluations

    def done(self, one: Left, batch: BatchState) -> None:
        self.left -= self.work(one)
        if batch.generated:
            self.worked += batch.generated * self.plan.conditions[one.task.cell.condition].evaluations
            self.spent += batch.seconds

    @property
    def remaining(self) -> float | None:
        return max(self.left, 0.0) * self.spent / self.worked if self.worked else None


def _at_work(before: SweepState, batch: BatchState, pace: _Pace, left: Left, seconds: float) -> SweepState:
    known = pace.remaining
    return replace(
        before,
        generated=before.generated + batch.generated,
        pictures=before.pictures + batch.generated,
        seconds=seconds,
        remaining=None if known is None else max(0.0, known - batch.seconds),
        phase="drawing" if batch.generated < left.missing else "scoring",
    )


def task_request(task: SweepTask) -> BatchRequest:
    """A cell's request on the seeds of the stage."""
    return replace(task.cell.request, seeds=task.seeds)


def _finished(task: SweepTask, known: dict[str, Tally], versions: dict[str, Versions]) -> bool:
    found = known[task.cell.cell]
    return found.pictures == len(task.cell.request.seeds) and found.scores >= versions[task.cell.config.backbone]


def _versions(bench: Workbench, plan: SweepPlan) -> dict[str, Versions]:
    """The scores that a finished cell has, by backbone: every metric that can be measured here, as it is measured today."""
    backbones = bench.registry().backbones
    found: dict[str, Versions] = {}
    for name in dict.fromkeys(cell.config.backbone for cell in plan.cells):
        entry = backbones[name]
        chosen = bench.choose((*plan.spec.scorers, *entry.scorers), plan.spec.metrics, entry.on_request)
        measures = bench.load(chosen)
        found[name] = frozenset((m.name, version_of(m, weights_of(m, measures.encoders))) for m in measures.metrics)
    return found
