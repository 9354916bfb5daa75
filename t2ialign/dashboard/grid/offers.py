"""What an axis of the Grid offers: its values, those that are chosen first, and the numbers of the chosen checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from t2ialign.dashboard.grid.form import MOST_SEEDS, USUAL
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import fitting_prompts
from t2ialign.guidance import GUIDANCE, title_of
from t2ialign.samplers import SCHEDULERS, UsualRun
from t2ialign.use_cases.batches.requests import backbones_of
from t2ialign.use_cases.batches.usual import FORM_TIMES, scales_around, usual_of_all

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


def checkpoints_of(kinds: Sequence[str], values: Sequence[Sequence[str] | None], checkpoint: str) -> list[str]:
    """The checkpoints of a form with axes of these kinds: an axis' values, or the one in its field."""
    of_axes = dict(zip(kinds, values, strict=True))
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
