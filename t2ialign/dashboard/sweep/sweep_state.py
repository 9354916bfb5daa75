"""What the page shows of a sweep: its job as it stands, and what of its cells is there."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from t2ialign.codec import encode
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.html import Look
from t2ialign.job_record import Job
from t2ialign.names import PLAIN
from t2ialign.store import RunMark, Tally, WantedBatch, run_marks
from t2ialign.types import InputError, content_key
from t2ialign.use_cases.sweeps.estimate import is_finished, metrics_of, stored_of
from t2ialign.use_cases.sweeps.job import KIND, LIVE, spec_of
from t2ialign.use_cases.sweeps.plan import Condition, SweepPlan, plan_sweep
from t2ialign.use_cases.sweeps.spec import SweepSpec

POLL_SECONDS, IDLE_SECONDS = 1.5, 15.0  # between looks while something works, and else
MOST_SQUARES = 1500  # of a map; of a larger sweep only one row at a time has its squares
PLANS_KEPT = 8
NOTHING, SOME, EARLY, FINISHED = range(4)
WORDS = ("nothing yet", "some pictures", "scored on a few seeds", "finished")


@dataclass(frozen=True)
class Square:
    """One cell on the map; ``state`` is one of ``WORDS``."""

    cell: str
    state: int
    prompt: str

    @property
    def words(self) -> str:
        return WORDS[self.state]


@dataclass(frozen=True)
class MapRow:
    """A condition: how many of its cells are finished, and the cells themselves where there is room for them."""

    index: int
    name: str
    checkpoint: str
    look: Look
    done: int
    total: int
    squares: tuple[Square, ...]


@dataclass(frozen=True)
class SweepView:
    """A sweep as it stands; ``plan`` is None with the ``problem`` why it cannot be planned any more."""

    job: Job
    spec: SweepSpec
    mark: RunMark
    plan: SweepPlan | None = None
    rows: tuple[MapRow, ...] = ()
    pictures: int = 0
    problem: str = ""
    rescoring: str = ""

    @property
    def live(self) -> bool:
        return self.job.status in LIVE

    @property
    def done(self) -> int:
        return sum(row.done for row in self.rows)

    @property
    def total(self) -> int:
        return len(self.plan.cells) if self.plan else 0

    @property
    def wanted(self) -> int:
        return self.plan.pictures if self.plan else 0

    @property
    def seen(self) -> str:
        """Changes whenever anything on the page would."""
        job, progress = self.job, self.job.progress
        states = content_key([[square.state for square in row.squares] + [row.done] for row in self.rows])
        said = f"{job.id} {job.title} {job.status} {job.asked} {progress.phase} {progress.remaining} {self.pictures}"
        return f"{said} {states} {self.rescoring} {self.problem}"


@dataclass(frozen=True)
class Sweeps:
    """Remembers plans, which take long to make and never change."""

    services: Services
    _plans: OrderedDict[str, SweepPlan] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, job: str, opened: int = -1) -> SweepView:
        """A sweep as it stands; ``opened`` is the row that has its squares, where not all have.

        Raises:
            InputError: there is no such sweep.
        """
        found = self.services.supervisor.job(job)
        spec = spec_of(found)
        mark = run_marks(self.services.store).get(found.id, RunMark())
        rescoring = self._rescoring(found.id)
        try:
            plan = self.plan(spec)
        except InputError as error:  # a checkpoint or a file of prompts is gone
            return SweepView(found, spec, mark, problem=str(error), rescoring=rescoring)
        question = ("sweep", content_key(encode(spec)))
        tallies = self.services.store.remembered(question, lambda: self._tallies(plan))
        pictures = sum(one.pictures for one in tallies[0])
        return SweepView(found, spec, mark, plan, self._rows(plan, tallies, opened), pictures, rescoring=rescoring)

    def all(self) -> list[Job]:
        """Every sweep, the newest first."""
        return [job for job in reversed(self.services.supervisor.jobs()) if job.kind == KIND]

    def plan(self, spec: SweepSpec) -> SweepPlan:
        """The plan of a spec, made once."""
        key = content_key(encode(spec))
        with self._lock:
            if key not in self._plans:
                self._plans[key] = plan_sweep(self.services.bench, spec)
                while len(self._plans) > PLANS_KEPT:
                    self._plans.popitem(last=False)
            self._plans.move_to_end(key)
            return self._plans[key]

    def _tallies(self, plan: SweepPlan) -> tuple[list[Tally], list[Tally]]:
        """What there is of each cell on all its seeds, and on those of its early look."""
        bench = self.services.bench
        early = [WantedBatch(cell.cell, plan.coarse_seeds(cell) or cell.request.seeds) for cell in plan.cells]
        return stored_of(bench, plan), bench.results.tally(early)

    def _rows(self, plan: SweepPlan, tallies: tuple[list[Tally], list[Tally]], opened: int) -> tuple[MapRow, ...]:
        metrics, roomy = metrics_of(self.services.bench, plan), len(plan.cells) <= MOST_SQUARES
        palette = self.services.palette(cell.config.checkpoint for cell in plan.cells[:: len(plan.prompts)])
        rows, width = [], len(plan.prompts)
        for index, condition in enumerate(plan.conditions):
            squares = []
            for place in range(index * width, (index + 1) * width):
                cell, wanted = plan.cells[place], metrics[plan.cells[place].config.backbone]
                whole, early = tallies[0][place], tallies[1][place]
                state = SOME if whole.pictures else NOTHING
                state = EARLY if early.scores and early.has(wanted) else state
                state = FINISHED if is_finished(whole, len(cell.request.seeds), wanted) else state
                squares.append(Square(cell.cell, state, cell.request.prompt.text))
            done = sum(square.state == FINISHED for square in squares)
            shown = tuple(squares) if roomy or index == opened else ()
            name = plan.cells[index * width].config.checkpoint
            rows.append(MapRow(index, row_name(condition), name, palette[name], done, width, shown))
        return tuple(rows)

    def _rescoring(self, job: str) -> str:
        """How scoring anew stands, while it does or just after."""
        task = self.services.engine.look(rescoring(job))
        if task is None:
            return ""
        if task.finished:
            return task.error or (str(task.record) if task.record else "")
        return str(task.record) if task.record else "Scoring anew: waiting for its turn."


def rescoring(job: str) -> str:
    """The engine's key of scoring a sweep's pictures anew."""
    return f"rescore {job}"


def row_name(condition: Condition) -> str:
    """What a row of the map is called beside its checkpoint: ``CFG 4``, ``CFG 4, cads, noise_scale=0.1``."""
    from t2ialign.names import params_text

    strategy = "" if condition.guidance == PLAIN else condition.guidance
    return ", ".join(
        filter(None, [f"CFG {condition.guidance_scale:g}", strategy, params_text(condition.guidance_params)])
    )
