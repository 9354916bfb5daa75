"""A grid: the same seeds under every value of two or three settings, worked through cell by cell.

The third setting turns pages. What is stored is not computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from t2ialign.guidance import read_strategy
from t2ialign.limits import check_guidance_scale, check_steps, parse_seeds
from t2ialign.types import GenerationConfig, InputError, Prompt, Score, cell_key
from t2ialign.use_cases.batches.requests import BatchRequest, checked
from t2ialign.use_cases.batches.score_batch import BatchState, Phase, config_of, score_batch, stored_state
from t2ialign.use_cases.workbench import Workbench

AxisKind = Literal[
    "", "prompt", "guidance_scale", "checkpoint", "weight", "guidance", "steps", "scheduler", "size", "seed"
]
TITLES: dict[str, str] = {
    "": "Nothing",
    "guidance_scale": "CFG",
    "checkpoint": "Checkpoint",
    "weight": "Adapter weight",
    "prompt": "Prompt",
    "guidance": "Guidance strategy",
    "steps": "Steps",
    "scheduler": "Scheduler",
    "size": "Picture size",
    "seed": "Seed",
}
MAX_CELLS, MAX_PAGES, MAX_PICTURES = 144, 64, 2048  # cells of a page; pages and pictures of a grid


@dataclass(frozen=True)
class GridAxis:
    """What changes along an axis, and its values as people write them; of the kind "" nothing does."""

    kind: AxisKind = ""
    values: tuple[str, ...] = ("",)


GridAxes = tuple[GridAxis, GridAxis, GridAxis]  # across, down, from page to page


@dataclass(frozen=True)
class GridCell:
    """A place of the grid: the request that has its pictures, and which of that request's seeds are this cell's."""

    request: BatchRequest
    seeds: tuple[int, ...]


GridPage = tuple[tuple[GridCell, ...], ...]  # row by row


@dataclass(frozen=True)
class CellState:
    """A request as it stands, without its pixels: ``seeds`` have a picture, ``made`` were drawn just now."""

    request: BatchRequest
    config: GenerationConfig
    phase: Phase
    seeds: tuple[int, ...] = ()
    scores: Mapping[str, Score] = field(default_factory=dict)
    made: int = 0
    seconds: float = 0.0
    remaining: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def cell(self) -> str:
        return cell_key(self.config, self.request.prompt)

    @property
    def missing(self) -> int:
        return len(self.request.seeds) - len(self.seeds)


@dataclass(frozen=True)
class GridState:
    """Every request of a grid as it stands."""

    cells: tuple[CellState, ...]

    @property
    def wanted(self) -> int:
        return sum(len(one.request.seeds) for one in self.cells)

    @property
    def there(self) -> int:
        return sum(len(one.seeds) for one in self.cells)

    @property
    def fraction(self) -> float:
        return self.there / self.wanted

    @property
    def remaining(self) -> float | None:
        """Seconds to go, by what the pictures of this grid have taken so far."""
        made, spent = sum(one.made for one in self.cells), sum(one.seconds for one in self.cells if one.made)
        now = next((one for one in self.cells if one.phase in ("loading", "generating")), None)
        waiting = sum(one.missing for one in self.cells if one is not now)
        if now is not None and now.remaining is not None and not made:
            return now.remaining + waiting * (now.seconds + now.remaining) / max(now.missing, 1)
        if not made:
            return None
        return waiting * spent / made + (now.remaining or 0.0 if now else 0.0)


def plan_grid(rest: BatchRequest, x: GridAxis, y: GridAxis, z: GridAxis = GridAxis()) -> tuple[GridPage, ...]:
    """The cells page by page (``z``) and row by row (``y`` down, ``x`` across), each with its checked request.

    ``rest`` says what no axis does; without a third axis there is one page.

    Raises:
        InputError: two axes of one kind, an empty one, too many cells, pages or pictures, or a value that cannot be
            sampled.
    """
    axes = (x, y, z)
    for axis in axes:
        if not axis.values:
            raise InputError(f"The axis {TITLES[axis.kind]} is empty: choose at least one value.")
    kinds = [axis.kind for axis in axes if axis.kind]
    for kind in kinds:
        if kinds.count(kind) > 1:
            raise InputError(f"Two axes are {TITLES[kind]}: choose another setting for one of them.")
    _check_size(rest, axes)
    return tuple(
        tuple(tuple(_cell(rest, (x, across), (y, down), (z, leaf)) for across in x.values) for down in y.values)
        for leaf in z.values
    )


def _check_size(rest: BatchRequest, axes: GridAxes) -> None:
    """``InputError`` for a grid that is larger than can be shown: said before any of it is planned."""
    cells, pages = len(axes[0].values) * len(axes[1].values), len(axes[2].values)
    pictures = cells * pages * len(rest.seeds)
    for axis in axes:
        if axis.kind == "seed":
            pictures = cells * pages // len(axis.values) * sum(len(parse_seeds(value)) for value in axis.values)
    if cells <= MAX_CELLS and pages <= MAX_PAGES and pictures <= MAX_PICTURES:
        return
    on_pages = f"{pages} pages of " if pages > 1 else ""
    raise InputError(
        f"{on_pages}{cells:,} cells with {pictures:,} pictures in all are too many: a grid has at most {MAX_CELLS} cells on a "
        f"page, {MAX_PAGES} pages and {MAX_PICTURES:,} pictures. Choose fewer values or seeds."
    )


def requests_of(pages: Iterable[GridPage]) -> tuple[BatchRequest, ...]:
    """What has to be there for the grid, each request once, in an order in which one checkpoint stays loaded."""
    found = dict.fromkeys(cell.request for page in pages for row in page for cell in row)
    order = {name: place for place, name in enumerate(dict.fromkeys(request.checkpoint for request in found))}
    return tuple(sorted(found, key=lambda request: order[request.checkpoint]))


def stored_grid(bench: Workbench, requests: Sequence[BatchRequest]) -> GridState:
    """The grid as the store has it; nothing is computed."""
    found = []
    for request in requests:
        config = config_of(bench, request)[1]
        state = stored_state(bench, request.prompt, config, request.seeds)
        found.append(_told(replace(state, request=request)))
    return GridState(tuple(found))


def make_grid(
    bench: Workbench, requests: Sequence[BatchRequest], cancelled: Callable[[], bool] = lambda: False
) -> Iterator[GridState]:
    """Draws and scores what the store lacks, yielding the whole grid at every step."""
    state = stored_grid(bench, requests)
    yield state
    for index, one in enumerate(state.cells):
        if one.phase == "done" and one.scores:
            continue
        for newer in score_batch(bench, one.request, cancelled):
            cells = (*state.cells[:index], _told(newer), *state.cells[index + 1 :])
            state = GridState(cells)
            yield state
        if cancelled():
            return


def _told(state: BatchState) -> CellState:
    return CellState(
        state.request,
        state.config,
        state.phase,
        tuple(seed for seed in state.request.seeds if seed in state.images),
        dict(state.scores),
        state.generated,
        state.seconds,
        state.remaining if state.phase == "generating" else None,
        state.notes,
    )


def _cell(rest: BatchRequest, *places: tuple[GridAxis, str]) -> GridCell:
    request, seeds = rest, rest.seeds
    for axis, value in sorted(places, key=lambda place: place[0].kind == "weight"):  # a weight is the checkpoint's
        if axis.kind == "seed":
            request = replace(request, seeds=tuple(dict.fromkeys(s for v in axis.values for s in parse_seeds(v))))
            seeds = parse_seeds(value)
        else:
            request = _with_value(request, axis.kind, value)
    found = checked(request)
    return GridCell(found, seeds)


def _with_value(request: BatchRequest, kind: AxisKind, value: str) -> BatchRequest:
    if kind == "prompt":
        return replace(request, prompt=Prompt(value))
    if kind == "guidance_scale":
        return replace(request, guidance_scale=check_guidance_scale(_number(value, "A CFG value")))
    if kind == "checkpoint":
        return replace(request, checkpoint=value.strip())
    if kind == "guidance":
        name, params = read_strategy(value)
        return replace(request, guidance=name, guidance_params=params)
    if kind == "steps":
        return replace(request, num_inference_steps=check_steps(_number(value, "The number of steps", int)))
    if kind == "scheduler":
        return replace(request, scheduler=value.strip())
    if kind == "size":
        width, height = read_size(value)
        return replace(request, width=width, height=height)
    if kind == "weight":
        return replace(request, checkpoint=_weighted(request.checkpoint, _number(value, "An adapter weight")))
    return request


def read_size(said: str) -> tuple[int, int]:
    """Width and height in pixels as people write them: ``768x512``, or ``512`` for a square; empty: the model's own."""
    sides = said.lower().replace("×", "x").split("x")
    try:
        width, height = (int(side) if side.strip() else 0 for side in (sides * 2 if len(sides) == 1 else sides))
    except ValueError:
        raise InputError(f"The size of a picture is 512 or 768x512 (width by height), not {said[:40]!r}.") from None
    return width, height


def _weighted(checkpoint: str, weight: float) -> str:
    if "@" in checkpoint or "+" in checkpoint:
        raise InputError(f"{checkpoint} has weights already: choose single checkpoints along an axis of weights.")
    return checkpoint if weight == 1 else f"{checkpoint}@{weight:g}"


def _number(value: str, what: str, kind: type[float] | type[int] = float) -> float:
    try:
        return kind(value)
    except ValueError:
        raise InputError(f"{what} is a {'whole ' if kind is int else ''}number, not {value[:40]!r}.") from None
