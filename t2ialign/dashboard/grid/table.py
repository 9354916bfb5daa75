"""A page of the grid as a table: each cell with its pictures and its two scores, in the order that was asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from t2ialign.dashboard.shared.html import Look
from t2ialign.dashboard.shared.pictures import address
from t2ialign.dashboard.shared.words import default_metric
from t2ialign.metrics import METRICS
from t2ialign.types import Axis, Interval, Metric, Score
from t2ialign.use_cases.batches.grid import TITLES, CellState, GridAxes, GridAxis, GridCell, GridPage, GridState

UNKNOWN = Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Showing:
    """How a grid is looked at: in which order, with which two scores in a cell (by name; "": the usual ones), at which page.

    The first page is 0.
    """

    order: str = ""
    alignment: str = ""
    diversity: str = ""
    page: int = 0


@dataclass(frozen=True)
class PicturePlace:
    """One picture of a cell; ``source`` is empty while it is not there."""

    seed: int
    source: str
    large: str
    scores: tuple[tuple[Metric, float], ...] = ()


@dataclass(frozen=True)
class GridTableCell:
    """A cell as it is drawn; ``key`` is the store's, ``name`` is for the large view and for readers of the page by ear.

    ``at`` is its column and its row as they were chosen, in whatever order they stand.
    """

    name: str
    key: str
    look: Look
    href: str
    places: tuple[PicturePlace, ...]
    alignment: Interval
    diversity: Interval
    phase: str
    pixels: int
    at: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class GridTable:
    """A page of the grid with its headers, ordered; ``offered`` are the metrics that every scored cell has."""

    x: GridAxis
    y: GridAxis
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[GridTableCell, ...]], ...]
    alignment: Metric
    diversity: Metric
    offered: tuple[Metric, ...] = ()
    z: GridAxis = GridAxis()
    page: int = 0

    @property
    def page_name(self) -> str:
        """What the page is of, as "CFG 4"; empty where no pages are turned."""
        return f"{TITLES[self.z.kind]} {self.z.values[self.page]}" if self.z.kind else ""

    @property
    def side(self) -> int:
        """Pictures beside each other in a cell."""
        most = max((len(cell.places) for _, cells in self.rows for cell in cells), default=1)
        return math.ceil(math.sqrt(most))


Address = Callable[[str, int], str]


def table_of(
    pages: Sequence[GridPage],
    state: GridState,
    axes: GridAxes,
    palette: Mapping[str, Look],
    showing: Showing = Showing(),
    small: Address = lambda cell, seed: address(cell, seed, small=True),
    scored: frozenset[str] | None = None,
) -> GridTable:
    """The table of a grid's page as it stands; ``small`` says where a cell's pictures are found.

    ``scored`` are the metrics to choose from, where ``state`` holds less than the whole grid.
    """
    (x, y, z), states = axes, {one.request: one for one in state.cells}
    metrics = scored_everywhere(state) if scored is None else scored
    alignment = _metric("alignment", showing.alignment, metrics)
    diversity = _metric("diversity", showing.diversity, metrics)

    def drawn_cell(cell: GridCell, i: int, j: int) -> GridTableCell:
        words = worded(x, x.values[i]), worded(y, y.values[j]), worded(z, z.values[showing.page])
        name = ", ".join(filter(None, words))
        found = _cell(cell, states[cell.request], name, palette, (alignment, diversity), small)
        return replace(found, at=(i, j))

    drawn = [[drawn_cell(cell, i, j) for i, cell in enumerate(row)] for j, row in enumerate(pages[showing.page])]
    across, down = _ordered(drawn, showing.order, {"alignment": alignment, "diversity": diversity})
    return GridTable(
        x,
        y,
        tuple(x.values[i] for i in across),
        tuple((y.values[j], tuple(drawn[j][i] for i in across)) for j in down),
        alignment,
        diversity,
        tuple(metric for name, metric in METRICS.items() if name in metrics),
        z,
        showing.page,
    )


def scored_everywhere(state: GridState) -> frozenset[str]:
    """The metrics that every scored cell has."""
    scored = [frozenset(one.scores) for one in state.cells if one.scores]
    return frozenset.intersection(*scored) if scored else frozenset()


def _metric(axis: Axis, chosen: str, scored: frozenset[str]) -> Metric:
    return METRICS[chosen] if chosen in scored and METRICS[chosen].axis == axis else default_metric(axis, scored)


def worded(axis: GridAxis, value: str) -> str:
    """A value of an axis in words that stand alone: "CFG 4", "25 steps"; nothing of an axis of nothing."""
    before = {"guidance_scale": "CFG ", "weight": "weight ", "seed": "seed "}
    after = {"steps": " steps"}
    return f"{before.get(axis.kind, '')}{value}{after.get(axis.kind, '')}" if axis.kind else ""


def _cell(
    cell: GridCell,
    state: CellState,
    name: str,
    palette: Mapping[str, Look],
    shown: tuple[Metric, Metric],
    small: Address,
) -> GridTableCell:
    single = {one.metric: _by_seed(one, state) for one in state.scores.values() if one.level == "image"}
    order = dict.fromkeys([shown[0].name, *(known for known in METRICS if known in single)])
    places = []
    for seed in cell.seeds:
        scores = tuple((METRICS[m], single[m][seed]) for m in order if m in single and seed in single[m])
        there = seed in state.seeds
        places.append(
            PicturePlace(
                seed,
                small(state.cell, seed) if there else "",
                address(state.cell, seed) if there else "",
                scores,
            )
        )
    alignment, diversity = (_interval(cell, state, metric) for metric in shown)
    return GridTableCell(
        name or state.config.checkpoint,
        state.cell,
        palette[state.config.checkpoint],
        f"?cell={state.cell}" if state.seeds else "",
        tuple(places),
        alignment,
        diversity,
        state.phase,
        state.config.height,
    )


def _by_seed(score: Score, state: CellState) -> dict[int, float]:
    values = score.values.tolist()
    return dict(zip(state.seeds, values)) if len(values) == len(state.seeds) else {}


def _interval(cell: GridCell, state: CellState, metric: Metric) -> Interval:
    """The metric over the cell's pictures: the request's own, or of single seeds their mean without an interval."""
    score = state.scores.get(metric.name)
    if score is None:
        return UNKNOWN
    if cell.seeds == state.request.seeds:
        return Interval(score.mean, score.lo, score.hi)
    known = _by_seed(score, state) if score.level == "image" else {}
    values = [known[seed] for seed in cell.seeds if seed in known]
    return Interval(sum(values) / len(values), math.nan, math.nan) if values else UNKNOWN


def _ordered(
    drawn: Sequence[Sequence[GridTableCell]], order: str, metrics: Mapping[str, Metric]
) -> tuple[list[int], list[int]]:
    """The columns' and the rows' order: by their mean score, the best first, what is unknown last."""
    across, down = list(range(len(drawn[0]))), list(range(len(drawn)))
    what, _, which = (order or "").partition(" ")
    sign = 1 if which not in metrics or metrics[which].higher_is_better else -1
    if what == "rows":
        down.sort(key=lambda j: _rank([sign * _value(cell, which) for cell in drawn[j]]))
    elif what == "columns":
        across.sort(key=lambda i: _rank([sign * _value(row[i], which) for row in drawn]))
    return across, down


def _value(cell: GridTableCell, which: str) -> float:
    return (cell.alignment if which == "alignment" else cell.diversity).mean


def _rank(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return -sum(known) / len(known) if known else math.inf
