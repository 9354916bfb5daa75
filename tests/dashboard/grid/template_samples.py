"""Grid's templates, each through the function that renders it, with hostile text wherever text may come in."""

import math

from t2ialign.dashboard.grid.handlers import progress
from t2ialign.dashboard.grid.table import GridTable, GridTableCell, PicturePlace
from t2ialign.dashboard.shared.html import Look
from t2ialign.dashboard.shared.templates import render
from t2ialign.engines.local import EngineTask
from t2ialign.metrics import METRICS
from t2ialign.types import GenerationConfig, Interval, Prompt
from t2ialign.use_cases.batches.grid import TITLES, CellState, GridAxis, GridState
from t2ialign.use_cases.batches.requests import BatchRequest
from tests.dashboard.outline import EVIL

LOOK = Look("#000", "#fff")
FAITH, SPREAD = METRICS["oracle_alignment"], METRICS["factor_diversity"]


def table(place: str = "grid") -> str:
    places = (PicturePlace(0, EVIL, EVIL, ((FAITH, 0.5),)), PicturePlace(1, "", ""))
    one = Interval(0.5, 0.4, 0.6), Interval(math.nan, math.nan, math.nan)
    cell = GridTableCell(EVIL, "key", LOOK, EVIL, places, *one, "done", 64)
    x, y, z = GridAxis("checkpoint", (EVIL,)), GridAxis("prompt", (EVIL, "b")), GridAxis("guidance", ("cfg", 9 * EVIL))
    drawn = GridTable(x, y, (EVIL,), ((EVIL, (cell,)), ("b", (cell,))), FAITH, SPREAD, (), z, 1)
    return render("grid/table.html", table=drawn, titles=TITLES, palette={EVIL: LOOK}, place=place)


def working() -> str:
    cell = CellState(BatchRequest(Prompt("a"), "base", (0, 1)), GenerationConfig("tiny"), "generating", (0,))
    return progress(GridState((cell,)), EngineTask("grid", "running"), EVIL, 0)


def take_away() -> str:
    pages = [(EVIL, table("")), ("b", table(""))]
    values = {"title": EVIL, "pages": pages, "metrics": (FAITH, SPREAD), "made": {EVIL: EVIL}}
    return render("grid/take_away.html", **values, style="", script="")


SAMPLES = {
    "grid/table.html": table,
    "grid/progress.html": working,
    "grid/empty.html": lambda: render("grid/empty.html"),
    "grid/take_away.html": take_away,
}
