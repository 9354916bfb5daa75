"""Sweep's templates, each through the function that renders it, with hostile text wherever text may come in."""

from dataclasses import replace
from datetime import UTC, datetime

from t2ialign.dashboard.shared.html import Look
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.sweep.sweep_state import MapRow, Square, SweepView
from t2ialign.dashboard.sweep.sweeps import ListRow
from t2ialign.store import Cell, Job, RunMark
from t2ialign.types import GenerationConfig, Prompt
from t2ialign.use_cases.sweeps.spec import PromptChoice, SweepSpec
from tests.dashboard.outline import EVIL

LOOK = Look("#000", "#fff")
JOB = Job("sweep-1", "", "sweep", "cpu", (), datetime(2026, 1, 1, tzinfo=UTC))


def view() -> SweepView:
    spec = SweepSpec(EVIL, PromptChoice(texts=(EVIL,)), (EVIL,))
    squares = tuple(Square(f"c{state}", state, EVIL) for state in range(4))
    rows = (
        MapRow(0, EVIL, EVIL, LOOK, 1, 4, squares),
        MapRow(1, "CFG 4", "base", LOOK, 0, 4, ()),
    )
    job = replace(JOB, title=EVIL, status="running")
    return SweepView(job, spec, RunMark(note=EVIL), None, rows, 5, EVIL, EVIL)


def row() -> ListRow:
    found = view()
    return ListRow(found.job, found.spec, RunMark(True, False, EVIL), EVIL)


def cell() -> Cell:
    return Cell("k", Prompt(EVIL), GenerationConfig("tiny", guidance="cads"), (0,))


SAMPLES = {
    "sweep/cost.html": lambda: render("sweep/cost.html", lines=[EVIL], more=EVIL),
    "sweep/command.html": lambda: render("sweep/command.html"),
    "sweep/status.html": lambda: render("sweep/status.html", view=view(), sentence=EVIL, grid=EVIL),
    "sweep/map.html": lambda: render("sweep/map.html", view=view()),
    "sweep/cell.html": lambda: render(
        "sweep/cell.html", cell=cell(), look=LOOK, sheet="", hard=True, href=EVIL, grid=EVIL
    ),
    "sweep/list.html": lambda: render("sweep/list.html", rows=[row()], more=3, asked=False),
    "sweep/deleted.html": lambda: render("sweep/deleted.html", job=view().job),
}
