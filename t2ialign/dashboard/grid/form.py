"""The Grid form in and out: what a person chose becomes cells, and a link fills the form again."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, quote

from t2ialign.codec import IF_SAID, decode, encode
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import fitting_prompts
from t2ialign.dashboard.shared.fields import number_in, whole_in
from t2ialign.dashboard.shared.words import counted
from t2ialign.files import foreign
from t2ialign.guidance import GUIDANCE, read_strategy, title_of
from t2ialign.limits import MAX_SEED
from t2ialign.samplers import SCHEDULERS, UsualRun
from t2ialign.store import find_grid
from t2ialign.types import InputError, Prompt, content_key
from t2ialign.use_cases.batches.grid import TITLES, AxisKind, GridAxis, GridCell, plan_grid, read_size
from t2ialign.use_cases.batches.requests import BatchRequest, backbones_of
from t2ialign.use_cases.batches.usual import FORM_TIMES, scales_around, usual_of_all

MOST_SEEDS = 16
LONGEST_LINK = 6000
ID = re.compile(r"[0-9a-f]{16}")
SAID = 5  # values of an axis in a line of words
EXAMPLES = 24  # prompts offered along an axis
SCALES = ("1", "2", "4", "6", "8", "12")
WEIGHTS = ("0", "0.25", "0.5", "0.75", "1", "1.5")
STEPS = ("5", "10", "25", "50")
FIRST = {
    "checkpoint": 3,
    "weight": 6,
    "prompt": 3,
    "guidance": 4,
    "steps": 3,
    "scheduler": 3,
    "size": 2,
    "seed": 4,
}
"""How many of the offered values are chosen when an axis is."""


@dataclass(frozen=True)
class GridForm:
    """The form's fields by the names of its controls; a cleared number is ``None``."""

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


FIELDS = tuple(GridForm.__dataclass_fields__)
USUAL = ("scheduler", "steps", "guidance_scale", "guidance")  # the fields that begin as checkpoints are usually drawn


def form_of(values: tuple[Any, ...]) -> GridForm:
    """What the controls say, in the order of ``FIELDS``; what a browser leaves empty is empty."""
    said = dict(zip(FIELDS, values, strict=True))
    for name in ("x_values", "y_values"):
        said[name] = tuple(str(value).strip() for value in said[name] or () if str(value).strip())
    for name in ("x", "y", "prompt", "checkpoint", "guidance", "size"):
        said[name] = said[name] or ""
    said["scheduler"] = said["scheduler"] or UsualRun.scheduler
    for name in ("x", "y"):
        said[f"{name}_values"] = said[f"{name}_values"] if said[name] else ("",)
    return GridForm(**said)


def cells_of(form: GridForm, services: Services) -> tuple[tuple[GridCell, ...], ...]:
    """The grid's cells row by row.

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
        Prompt(form.prompt if "prompt" not in (form.x, form.y) else "-"),
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
    rows = plan_grid(rest, GridAxis(form.x, form.x_values), GridAxis(form.y, form.y_values))
    categories = services.categories()
    return tuple(tuple(_categorised(cell, categories) for cell in row) for row in rows)


def offered(services: Services, kind: str, checkpoints: Sequence[str] = ()) -> list[tuple[str, str]]:
    """What an axis of a kind may have, as (label, value); prompts are those that fit the checkpoints."""
    sets = fitting_prompts.offered(services, checkpoints)
    prompts = [prompt.text for name in sets for prompt in services.prompts.get(name, ())][:EXAMPLES]
    menus: dict[str, list[str]] = {
        "guidance_scale": list(SCALES),
        "weight": list(WEIGHTS),
        "checkpoint": list(services.checkpoints()),
        "guidance": list(GUIDANCE),
        "steps": list(STEPS),
        "scheduler": list(SCHEDULERS),
        "size": _sizes(services, checkpoints),
        "prompt": prompts,
        "seed": [str(seed) for seed in range(MOST_SEEDS)],
    }
    return [(title_of(value) if kind == "guidance" else value, value) for value in menus.get(kind, ())]


def _sizes(services: Services, checkpoints: Sequence[str]) -> list[str]:
    """The models' own size, half as large again, and that across."""
    own = sorted({backbone.size for backbone in backbones_of(checkpoints, services.bench.registry())})
    return [text for side in own for text in (f"{side}", f"{side * 3 // 2}", f"{side * 3 // 2}x{side}")]


def checkpoints_of(x: str, y: str, x_values: Sequence[str], y_values: Sequence[str], checkpoint: str) -> list[str]:
    """The checkpoints of a form: an axis' values, or the one in its field."""
    of_axes = {x: x_values, y: y_values}
    return [str(value) for value in of_axes.get("checkpoint", [checkpoint]) or () if value]


def first_values(services: Services, kind: str, checkpoints: Sequence[str] = ()) -> list[str]:
    """What is chosen when an axis is: a few of each; CFG around what these checkpoints are usually drawn with."""
    if kind == "guidance_scale":
        return usual_scales(usual_of_all(checkpoints, services.bench.registry()).run)
    return [value for _, value in offered(services, kind, checkpoints)][: FIRST.get(kind, 0)]


def usual_scales(run: UsualRun) -> list[str]:
    """CFG values around the usual one, as an axis has them."""
    return [f"{scale:g}" for scale in scales_around(run.guidance_scale, FORM_TIMES)]


def usual_fields(run: UsualRun) -> dict[str, Any]:
    """The fields of ``USUAL`` that ask for a run."""
    return dict(zip(USUAL, (run.scheduler, run.steps, run.guidance_scale, run.guidance), strict=True))


def identity(form: GridForm) -> str:
    """The id under which a grid is kept."""
    return content_key(encode(form))


def record(form: GridForm) -> str:
    """The form as JSON."""
    return json.dumps(encode(form), separators=(",", ":"))


def link(form: GridForm) -> str:
    """The address of a grid; of one that would be too long, by its id, which this store alone knows."""
    said = f"?tab=grid&grid={quote(record(form))}"
    return said if len(said) <= LONGEST_LINK else f"?tab=grid&grid={identity(form)}"


def linked(services: Services, query: str) -> GridForm | None:
    """The grid that an address names, by what it is or by its id.

    Raises:
        InputError: it names one that cannot be read, or is not here.
    """
    fields = parse_qs(query.removeprefix("?"), max_num_fields=100) if len(query) <= LONGEST_LINK + 200 else {}
    text = fields.get("grid", [""])[0]
    if not text:
        return None
    text = find_grid(services.store, text).record if ID.fullmatch(text) else text
    with foreign("The link's grid cannot be read", "check the link"):
        said = json.loads(text)
    return decode(GridForm, said, "The link's grid cannot be read")


def in_words(form: GridForm) -> tuple[str, str]:
    """What a grid is of, and what changes in it, in a line each."""
    axes = [(TITLES[kind], values) for kind, values in ((form.x, form.x_values), (form.y, form.y_values)) if kind]
    prompts = next(
        (values for kind, values in ((form.x, form.x_values), (form.y, form.y_values)) if kind == "prompt"), ()
    )
    title = form.prompt if not prompts else prompts[0] if len(prompts) == 1 else counted(len(prompts), "prompt")
    return title, " by ".join(f"{name} {', '.join(_few(values))}" for name, values in axes if name != TITLES["prompt"])


def _few(values: tuple[str, ...]) -> tuple[str, ...]:
    return values if len(values) <= SAID else (*values[: SAID - 1], f"... {values[-1]}")


def _categorised(cell: GridCell, categories: dict[str, str]) -> GridCell:
    prompt = cell.request.prompt
    known = Prompt(prompt.text, categories.get(prompt.text, ""))
    return replace(cell, request=replace(cell.request, prompt=known))
