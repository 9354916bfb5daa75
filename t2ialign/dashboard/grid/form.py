"""The Grid form in and out: what a person chose becomes cells, and a link fills the form again."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, quote

from t2ialign.codec import IF_SAID, decode, encode
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import fitting_prompts
from t2ialign.dashboard.shared.fields import number_in, whole_in
from t2ialign.dashboard.shared.words import counted
from t2ialign.files import foreign
from t2ialign.guidance import read_strategy
from t2ialign.limits import MAX_SEED
from t2ialign.samplers import UsualRun
from t2ialign.store import find_grid
from t2ialign.types import InputError, Prompt, content_key
from t2ialign.use_cases.batches.grid import (
    TITLES,
    AxisKind,
    GridAxes,
    GridAxis,
    GridCell,
    GridPage,
    plan_grid,
    read_size,
)
from t2ialign.use_cases.batches.requests import BatchRequest

MOST_SEEDS = 16
LONGEST_LINK = 6000
ID = re.compile(r"[0-9a-f]{16}")
SAID = 5  # values of an axis in a line of words


@dataclass(frozen=True)
class GridForm:
    """The form's fields by the names of its controls; a cleared number is ``None``.

    ``x`` goes across, ``y`` down, ``z`` from page to page.
    """

    x: AxisKind = "guidance_scale"
    x_values: tuple[str, ...] = ("1", "2", "4", "8")
    y: AxisKind = "checkpoint"
    y_values: tuple[str, ...] = ("base",)
    prompt: str = fitting_prompts.FIRST_PROMPT
    checkpoint: str = "base"
    guidance_scale: float | None = 4.0
    guidance: str = "cfg"
    first_seed: float | None = 0.0
    seed_count: float | None = 4.0
    steps: float | None = 25.0
    size: str = field(default="", metadata=IF_SAID)
    scheduler: str = field(default=UsualRun.scheduler, metadata=IF_SAID)
    z: AxisKind = field(default="", metadata=IF_SAID)
    z_values: tuple[str, ...] = field(default=("",), metadata=IF_SAID)

    @property
    def axes(self) -> GridAxes:
        """What changes across, down and from page to page; nothing has no values."""
        kinds, values = (self.x, self.y, self.z), (self.x_values, self.y_values, self.z_values)
        x, y, z = (GridAxis(kind, said if kind else ("",)) for kind, said in zip(kinds, values, strict=True))
        return x, y, z


FIELDS = tuple(GridForm.__dataclass_fields__)
AXES = ("x", "y", "z")
USUAL = ("scheduler", "steps", "guidance_scale", "guidance")  # the fields that begin as checkpoints are usually drawn


def form_of(values: tuple[Any, ...]) -> GridForm:
    """What the controls say, in the order of ``FIELDS``; what a browser leaves empty is empty."""
    said = dict(zip(FIELDS, values, strict=True))
    for name in (*AXES, "prompt", "checkpoint", "guidance", "size"):
        said[name] = said[name] or ""
    said["scheduler"] = said["scheduler"] or UsualRun.scheduler
    for name in AXES:
        chosen = tuple(str(value).strip() for value in said[f"{name}_values"] or () if str(value).strip())
        said[f"{name}_values"] = chosen if said[name] else ("",)
    return GridForm(**said)


def cells_of(form: GridForm, services: Services) -> tuple[GridPage, ...]:
    """The grid's cells page by page and row by row.

    Raises:
        InputError: what cannot be sampled, in one sentence.
    """
    first, count = whole_in(form.first_seed, "The first seed"), whole_in(form.seed_count, "The number of seeds")
    if not 1 <= count <= MOST_SEEDS:
        raise InputError(f"A cell shows 1 to {MOST_SEEDS} seeds, not {count}.")
    if not 0 <= first <= MAX_SEED - count + 1:
        raise InputError(f"The first seed is {first}; choose a whole number from 0 to {MAX_SEED - count + 1:,}.")
    guidance, params = read_strategy(form.guidance)
    width, height = read_size(form.size)
    rest = BatchRequest(
        Prompt(form.prompt if "prompt" not in (form.x, form.y, form.z) else "-"),
        form.checkpoint,
        tuple(range(first, first + count)),
        number_in(form.guidance_scale, "Guidance (CFG)"),
        whole_in(form.steps, "The number of steps"),
        form.scheduler,
        guidance,
        params,
        height=height,
        width=width,
    )
    categories = services.categories()
    return tuple(
        tuple(tuple(_categorised(cell, categories) for cell in row) for row in page)
        for page in plan_grid(rest, *form.axes)
    )


def identity(form: GridForm) -> str:
    """The id under which a grid is kept."""
    return content_key(encode(form))


def record(form: GridForm) -> str:
    """The form as JSON."""
    return json.dumps(encode(form), separators=(",", ":"))


def link(form: GridForm, page: int = 0) -> str:
    """The address of a grid, open at a page (0 is the first); of one that would be too long, by its id.

    The id is known to this store alone. In the address a page is a ``leaf``: by ``page`` Gradio looks for one of its own.
    """
    said = f"?tab=grid&grid={quote(record(form))}"
    found = said if len(said) <= LONGEST_LINK else f"?tab=grid&grid={identity(form)}"
    return f"{found}&leaf={page + 1}" if page else found


def linked(services: Services, query: str) -> GridForm | None:
    """The grid that an address names, by what it is or by its id.

    Raises:
        InputError: it names one that cannot be read, or is not here.
    """
    fields = _fields(query)
    text = fields.get("grid", [""])[0]
    if not text:
        return None
    text = find_grid(services.store, text).record if ID.fullmatch(text) else text
    with foreign("The link's grid cannot be read", "check the link"):
        said = json.loads(text)
    return decode(GridForm, said, "The link's grid cannot be read")


def linked_page(query: str, pages: int) -> int:
    """The page that an address names, of so many: 0 is the first, which one opens at that names none.

    Raises:
        InputError: there is no such page.
    """
    text = _fields(query).get("leaf", ["1"])[0]
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= pages:
        raise InputError(
            f"This grid has {counted(pages, 'page')}, and the link names page {text[:20]!r}: here is the first."
        )
    return int(text) - 1


def _fields(query: str) -> dict[str, list[str]]:
    """The fields of an address that is no longer than a grid's is."""
    return parse_qs(query.removeprefix("?"), max_num_fields=100) if len(query) <= LONGEST_LINK + 200 else {}


def in_words(form: GridForm) -> tuple[str, str]:
    """What a grid is of, and what changes in it, in a line each."""
    prompts = next((axis.values for axis in form.axes if axis.kind == "prompt"), ())
    title = form.prompt if not prompts else prompts[0] if len(prompts) == 1 else counted(len(prompts), "prompt")
    x, y, z = (
        f"{TITLES[axis.kind]} {', '.join(_few(axis.values))}" if axis.kind not in ("", "prompt") else ""
        for axis in form.axes
    )
    return title, ", ".join(filter(None, (" by ".join(filter(None, (x, y))), z and f"pages of {z}")))


def _few(values: tuple[str, ...]) -> tuple[str, ...]:
    return values if len(values) <= SAID else (*values[: SAID - 1], f"... {values[-1]}")


def _categorised(cell: GridCell, categories: dict[str, str]) -> GridCell:
    prompt = cell.request.prompt
    known = Prompt(prompt.text, categories.get(prompt.text, ""))
    return replace(cell, request=replace(cell.request, prompt=known))
