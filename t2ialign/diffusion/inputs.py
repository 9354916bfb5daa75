"""What the loop may be asked for, and one sentence for every configuration that it may not."""

from __future__ import annotations

from t2ialign.guidance import begin_guidance
from t2ialign.limits import MAX_SIDE, check_steps, clean_prompt
from t2ialign.samplers import check_scheduler
from t2ialign.types import GenerationConfig, InputError


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
