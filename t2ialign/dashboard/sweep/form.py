"""The Sweep form in and out: what a person chose becomes a spec, and a spec fills the form again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.fields import whole_in
from t2ialign.guidance import spelled_params
from t2ialign.names import BATCH, strategy_text
from t2ialign.samplers import UsualRun
from t2ialign.seeds import SeedPlan, is_own, parse_plan, plan_text
from t2ialign.store import Cell, Filters, find_cell, list_cells
from t2ialign.types import GenerationConfig, InputError, Prompt
from t2ialign.use_cases.batches.requests import read_scales
from t2ialign.use_cases.batches.usual import FORM_TIMES, scales_around
from t2ialign.use_cases.sweeps.spec import PromptChoice, SweepSpec, checked

POINT = "point:"
AROUND = (0.5, 0.75, 1.0, 1.5, 2.0)  # times a point's CFG
WEIGHTS = (0.5, 0.75, 1.0)  # times the weight of an adapter


@dataclass(frozen=True)
class SweepForm:
    """The form's fields by the names of its controls; numbers in a row are written with commas between."""

    title: str = ""
    prompt_set: str = "shapes-test"
    categories: tuple[str, ...] = ()
    sample: float | None = 8
    texts: str = ""
    checkpoints: tuple[str, ...] = ("base",)
    weights: str = ""
    guidance_scales: str = "1, 2, 4, 8"
    strategies: tuple[str, ...] = ("cfg",)
    seeds: str = "own:8"
    steps: float | None = 25
    metrics: tuple[str, ...] = ()
    scorers: tuple[str, ...] = ()
    height: float | None = 0
    width: float | None = 0
    scheduler: str = "ddim"


FIELDS = tuple(field.name for field in fields(SweepForm))
LISTS = ("categories", "checkpoints", "strategies", "metrics", "scorers")
USUAL = (
    "scheduler",
    "steps",
    "guidance_scales",
    "strategies",
)  # the fields that begin as checkpoints are usually drawn


def form_of(values: Sequence[Any]) -> SweepForm:
    """What the controls say, in the order of ``FIELDS``; what a browser leaves empty is empty."""
    said = dict(zip(FIELDS, values, strict=True))
    for name in LISTS:
        said[name] = tuple(str(value).strip() for value in said[name] or () if str(value).strip())
    for name in ("title", "prompt_set", "texts", "weights", "guidance_scales", "seeds", "scheduler"):
        said[name] = str(said[name] or "")
    return SweepForm(**said)


def spec_of_form(form: SweepForm) -> SweepSpec:
    """The checked spec of a form.

    Raises:
        InputError: something that no sweep can have, in one sentence.
    """
    texts = tuple(line for line in form.texts.splitlines() if line.strip())
    choice = PromptChoice(
        form.prompt_set or "shapes-test",
        texts,
        () if texts else form.categories,
        whole_in(form.sample or 0, "The sample of prompts"),
    )
    return checked(
        SweepSpec(
            form.title,
            choice,
            form.checkpoints,
            tuple(read_scales(_parts(form.weights), "Weights")),
            tuple(read_scales(_parts(form.guidance_scales), "CFG values")),
            form.strategies,
            parse_plan(form.seeds),
            whole_in(form.steps, "The number of steps"),
            form.metrics,
            form.scorers,
            height=whole_in(form.height or 0, "The height"),
            width=whole_in(form.width or 0, "The width"),
            scheduler=form.scheduler or SweepForm.scheduler,
        )
    )


def form_of_spec(spec: SweepSpec) -> SweepForm:
    """The form that asks for a spec again."""
    return SweepForm(
        spec.title,
        spec.prompts.set,
        spec.prompts.categories,
        spec.prompts.sample,
        "\n".join(spec.prompts.texts),
        spec.checkpoints,
        _row(spec.weights),
        _row(spec.guidance_scales),
        spec.strategies,
        plan_text(spec.seeds),
        spec.num_inference_steps,
        spec.metrics,
        spec.scorers,
        spec.height,
        spec.width,
        spec.scheduler,
    )


def usual_fields(run: UsualRun) -> dict[str, Any]:
    """The fields of ``USUAL`` that ask for a run."""
    scales = _row(scales_around(run.guidance_scale, FORM_TIMES))
    return dict(zip(USUAL, (run.scheduler, run.steps, scales, [run.guidance]), strict=True))


def spec_around(services: Services, around: str) -> SweepSpec:
    """The sweep around stored cells of one prompt (``KEY,KEY``), or around a point of the chart (``point:KEY``).

    Raises:
        InputError: nothing of it is stored, or it was drawn as the form cannot say.
    """
    if around.startswith(POINT):
        cells = list_cells(services.store, Filters(configs=(around.removeprefix(POINT),)))
        if not cells:
            raise InputError("Nothing is stored of this point: open it on the Trade-off page again.")
        return _around(services, cells, _known_set(services, cells))
    cells = [find_cell(services.store, key) for key in around.split(",") if key]
    if not cells:
        raise InputError("This link names nothing to sweep around: open it from Explore or Trade-off again.")
    return _around(services, cells, PromptChoice(texts=tuple(dict.fromkeys(cell.prompt.text for cell in cells))))


def _around(services: Services, cells: Sequence[Cell], prompts: PromptChoice) -> SweepSpec:
    first, (height, width) = cells[0].config, _size_of(services, cells)
    _check_can_be_said([cell.config for cell in cells])
    scales = dict.fromkeys(max(1.0, round(cell.config.guidance_scale * times, 2)) for cell in cells for times in AROUND)
    names: dict[str, None] = {}
    weights: dict[float, None] = {}
    for cell in cells:
        uses = cell.config.adapters
        alone = len(uses) == 1
        names[uses[0].name if alone else cell.config.checkpoint] = None
        weights |= dict.fromkeys(round(uses[0].weight * times, 3) for times in WEIGHTS) if alone else {}
    return SweepSpec(
        "",
        prompts,
        tuple(names),
        tuple(weights),
        tuple(sorted(scales)),
        tuple(dict.fromkeys(_strategy(cell.config) for cell in cells)),
        _plan_of(cells[0].prompt, cells[0].seeds),
        first.num_inference_steps,
        height=height,
        width=width,
        scheduler=first.scheduler,
    )


def _size_of(services: Services, cells: Sequence[Cell]) -> tuple[int, int]:
    """The height and width that a sweep asks for to draw such pictures; 0 and 0 where they are of their models' own size.

    Raises:
        InputError: they are of several sizes, and a sweep has one.
    """
    known = services.bench.registry().backbones
    sizes = {(cell.config.height, cell.config.width, known[cell.config.backbone].size) for cell in cells}
    if all((height, width) == (size, size) for height, width, size in sizes):
        return 0, 0
    asked = {(height, width) for height, width, _ in sizes}
    if len(asked) > 1:
        said = " and ".join(f"{height} x {width}" for height, width in sorted(asked))
        raise InputError(
            f"These pictures are {said} pixels high and wide, and a sweep has one size: sweep around one of them."
        )
    return asked.pop()


def _check_can_be_said(configs: Sequence[GenerationConfig]) -> None:
    """Refuses what a sweep of the form would draw otherwise than these pictures were."""
    schedulers = dict.fromkeys(config.scheduler for config in configs)
    if len(schedulers) > 1:
        raise InputError(
            f"These pictures were drawn by {' and '.join(schedulers)}, and a sweep has one scheduler: sweep around one of them."
        )
    if any(config.negative_prompt for config in configs):
        raise InputError(
            "These pictures were drawn with a negative prompt, which the form of a sweep does not have: sweep around pictures "
            "without, or draw these on Explore."
        )


def _strategy(config: GenerationConfig) -> str:
    """The strategy with its parameters, but for the mark of a batch, which belongs to its seeds; as it would be asked for."""
    own = tuple((name, value) for name, value in config.guidance_params if name != BATCH)
    return strategy_text(config.guidance, spelled_params(config.guidance, own))


def _known_set(services: Services, cells: Sequence[Cell]) -> PromptChoice:
    """The set whose prompts these are, or the texts themselves."""
    texts = dict.fromkeys(cell.prompt.text for cell in cells)
    for name, prompts in services.prompts.items():
        if set(texts) == {prompt.text for prompt in prompts}:
            return PromptChoice(name)
    return PromptChoice(texts=tuple(texts))


def _plan_of(prompt: Prompt, seeds: Sequence[int]) -> SeedPlan:
    return len(seeds) if all(is_own(prompt, seed) for seed in seeds) else tuple(seeds)


def categories_of(services: Services, prompt_set: str) -> list[str]:
    """The categories of a shipped set; none of a file, which is not read for a menu."""
    return list(dict.fromkeys(prompt.category for prompt in services.prompts.get(prompt_set, ()) if prompt.category))


def _parts(said: str) -> list[str]:
    return [part for part in re.split(r"[,;\s]+", said) if part]


def _row(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
