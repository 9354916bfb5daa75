"""What the loop may be asked for, and one sentence for every configuration that it may not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from t2ialign.guidance import begin_guidance, needs_of, other_checkpoint
from t2ialign.limits import MAX_SIDE, check_steps, clean_prompt
from t2ialign.names import BATCH
from t2ialign.registry import BackboneEntry
from t2ialign.samplers import SCHEDULERS, SOLVER, check_scheduler
from t2ialign.seeds import batch_mark
from t2ialign.types import GenerationConfig, InputError, Prompt


def check_config(config: GenerationConfig, pixels_per_latent: int) -> None:
    """Refuses steps, sizes, guidance, schedulers and negative prompts that do not exist or make no sense."""
    check_steps(config.num_inference_steps)
    for side in (config.height, config.width):
        if side % pixels_per_latent or not pixels_per_latent <= side <= MAX_SIDE:
            raise InputError(
                f"Height and width must be multiples of {pixels_per_latent} pixels up to {MAX_SIDE}, not {side}."
            )
    clean_prompt(config.negative_prompt, "negative prompt")
    check_scheduler(config.scheduler, config.num_inference_steps)
    begin_guidance(config.guidance, config.guidance_scale, config.guidance_params)
    check_alone(config.guidance, config.guidance_scale)
    check_adapters(
        config.guidance, any(use.weight for use in config.adapters), config.checkpoint, config.guidance_params
    )


def check_places(entry: BackboneEntry, places: int | None, pixels: int, pixels_per_patch: int) -> None:
    """Refuses a side of more tokens than a transformer's table has places: SD-3's counts those of a side, AuraFlow's all."""
    if places is None:
        return
    most = pixels_per_patch * (math.isqrt(places) if entry.family == "auraflow" else places)
    if pixels > most:
        raise InputError(f"{entry.name} draws at most {most} pixels a side, not {pixels}: ask for a smaller size.")


def check_alone(guidance: str, guidance_scale: float) -> None:
    """Refuses a scale for what is asked for the prompt alone: the same pictures would be stored once for each."""
    if needs_of(guidance).evaluations == 1 and guidance_scale != 1:
        raise InputError(
            f"Guidance {guidance} is no guidance, so its CFG is 1, not {guidance_scale:g}: ask for that, or for cfg."
        )


def check_adapters(
    guidance: str, any_adapters: bool, checkpoint: str, params: Iterable[tuple[str, float | str]] = ()
) -> None:
    """Refuses a strategy that sets a checkpoint against its base where there is only the base, and it names no other."""
    needs = needs_of(guidance)
    if needs.adapters and not any_adapters and not other_checkpoint(guidance, params):
        named = f", name another one as its {needs.checkpoint}" if needs.checkpoint else ""
        raise InputError(
            f"Guidance {guidance} sets a trained checkpoint against its base, and {checkpoint} is a base itself: choose a "
            f"trained checkpoint{named}, or guidance cfg."
        )


def check_backbone(config: GenerationConfig, entry: BackboneEntry) -> None:
    """Refuses a scheduler, strategy or negative prompt that this backbone's family has no use for."""
    needs = needs_of(config.guidance)
    if entry.family_traits.flow and not (
        SCHEDULERS[config.scheduler].flow or (entry.family_traits.solver and config.scheduler == SOLVER)
    ):
        named = " or ".join(name for name, choice in SCHEDULERS.items() if choice.flow)
        also = f", or {SOLVER}" if entry.family_traits.solver else ""
        raise InputError(
            f"The scheduler {config.scheduler} is for diffusion models, and {entry.name} is a flow model: choose {named}, "
            f"which are one and the same step there{also}."
        )
    if entry.family_traits.flow and needs.not_on_flow:
        raise InputError(
            f"Guidance {config.guidance} has no meaning on the flow model {entry.name} ({needs.not_on_flow}): choose another."
        )
    if needs.embedded == "both" and not entry.embedded_scale:
        raise InputError(
            f"Guidance {config.guidance} is for models that have the guidance scale for an input, and {entry.name} has not: "
            "choose cfg."
        )
    if entry.embedded_scale and needs.embedded == "nothing":
        raise InputError(
            f"{entry.name} guides by itself and is asked for the prompt alone, so there is no difference of two predictions "
            f"for guidance {config.guidance} to work on: choose cfg, or true_cfg."
        )
    if entry.embedded_scale and needs.embedded == "prompt" and config.negative_prompt:
        raise InputError(
            f"{entry.name} guides by itself and reads no negative prompt under guidance {config.guidance}: leave it empty, or "
            "choose true_cfg."
        )


def no_information(config: GenerationConfig, entry: BackboneEntry) -> str:
    """Why sampling with these settings tells no mutual information; "" where it does."""
    if config.negative_prompt:
        return "unknown with a negative prompt, which changes what the prompt is compared with"
    if not needs_of(config.guidance).information:
        return f"unknown under guidance {config.guidance}, which changes the predictions that it is read off"
    if entry.embedded_scale:
        return (
            f"not defined for {entry.name}, whose network predicts what guidance would make of two predictions and never was "
            "a model of pictures without a prompt"
        )
    return ""


def check_count(guidance: str, seeds: int) -> None:
    """Refuses fewer pictures than a strategy can make together."""
    if seeds < (fewest := needs_of(guidance).fewest):
        raise InputError(f"Guidance {guidance} makes pictures together: ask for {fewest} seeds or more, not {seeds}.")


def check_batch(config: GenerationConfig, prompt: Prompt, seeds: Sequence[int]) -> None:
    """Refuses, of a strategy that makes the pictures of a batch together, other seeds than those of the config's batch."""
    check_count(config.guidance, len(seeds))
    if not needs_of(config.guidance).whole_batch:
        return
    if dict(config.guidance_params).get(BATCH) != batch_mark(prompt, seeds):
        raise InputError(
            f"Guidance {config.guidance} makes the pictures of a batch together, so a batch cannot be extended or made in "
            "parts: generate all of its seeds anew, as a batch of their own."
        )
