"""The Explore form in and out: what a person filled in becomes requests, and a shown run fills the form again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.fields import number_in, whole_in
from t2ialign.guidance import Params, defaults_of, needs_of, read_params, spelled_params
from t2ialign.limits import MAX_SEED
from t2ialign.names import params_text
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.run import requests_for
from t2ialign.use_cases.batches.score_batch import BatchState

FEWEST, MOST = 2, 64
LAST_SEED = MAX_SEED


@dataclass(frozen=True)
class Form:
    """The form's fields, by the names of its controls. A cleared number field is ``None``."""

    prompt: str
    checkpoints: tuple[str, ...] = ("base",)
    guidance_scale: float | None = 4.0
    first_seed: float | None = 0
    seed_count: float | None = 16
    steps: float | None = 25
    scheduler: str = "ddim"
    guidance: str = "cfg"
    guidance_params: str = ""
    negative_prompt: str = ""
    height: float | None = 0
    width: float | None = 0

    def values(self) -> dict[str, Any]:
        """What the controls show."""
        return {**asdict(self), "checkpoints": list(self.checkpoints)}


def requests_of(form: Form, services: Services) -> tuple[BatchRequest, ...]:
    """One checked request a checkpoint.

    Raises:
        InputError: something cannot be sampled, in one sentence.
    """
    request = BatchRequest(
        prompt=Prompt(form.prompt, services.categories().get(form.prompt.strip(), "")),
        checkpoint="",
        seeds=_seeds(form),
        guidance_scale=number_in(form.guidance_scale, "Guidance (CFG)"),
        num_inference_steps=whole_in(form.steps, "The number of steps"),
        scheduler=form.scheduler,
        guidance=form.guidance,
        guidance_params=read_params(form.guidance, form.guidance_params),
        negative_prompt=form.negative_prompt,
        height=whole_in(form.height or 0, "The height"),
        width=whole_in(form.width or 0, "The width"),
    )
    return requests_for(request, form.checkpoints)


def form_of(batches: Sequence[BatchState]) -> Form:
    """The form that asks for these batches again; seeds with gaps are asked for from the first to the last's count."""
    request = batches[0].request
    return Form(
        prompt=request.prompt.text,
        checkpoints=tuple(batch.request.checkpoint for batch in batches),
        guidance_scale=request.guidance_scale,
        first_seed=min(request.seeds),
        seed_count=min(max(len(request.seeds), FEWEST), MOST),
        steps=request.num_inference_steps,
        scheduler=request.scheduler,
        guidance=request.guidance,
        guidance_params=all_params(
            request.guidance, spelled_params(request.guidance, batches[0].config.guidance_params)
        ),
        negative_prompt=request.negative_prompt,
        height=request.height,
        width=request.width,
    )


def all_params(guidance: str, chosen: Params = ()) -> str:
    """Every parameter of a strategy as the form shows it: what was chosen, else the default."""
    return params_text({**defaults_of(guidance), **dict(chosen)}.items())


def cost_of(guidance: str) -> str:
    """What a step of a strategy costs, and what else one should know before choosing it."""
    needs = needs_of(guidance)
    said = [f"{needs.evaluations} evaluations of the model a step."]
    only = " (of others with another one for the weaker model)" if needs.checkpoint else ""
    said += [f"For trained checkpoints only{only}."] if needs.adapters else []
    said += ["A picture depends on all seeds of its batch."] if needs.whole_batch else []
    said += [needs.besides] if needs.besides else []
    return " ".join(said)


def _seeds(form: Form) -> tuple[int, ...]:
    first, count = whole_in(form.first_seed, "The first seed"), whole_in(form.seed_count, "The number of seeds")
    if not FEWEST <= count <= MOST:
        raise InputError(f"{count} seeds cannot be shown beside each other; choose {FEWEST} to {MOST}.")
    if not 0 <= first <= LAST_SEED - count + 1:
        raise InputError(f"The first seed is {first}; choose a whole number from 0 to {LAST_SEED - count + 1:,}.")
    return tuple(range(first, first + count))
