"""The authority that the loop is held against: stock diffusers' own pipeline, with no line of ours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from jaxtyping import UInt8
from torch import Tensor


def stock_pictures(
    folder: Path, prompt: str, seeds: Sequence[int], guidance_scale: float = 4.0, num_inference_steps: int = 25
) -> UInt8[Tensor, "n 3 h w"]:
    """What ``StableDiffusionPipeline.from_pretrained(folder)`` makes of a prompt, one generator a seed, fp32 on the CPU."""
    pipeline = StableDiffusionPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)  # type: ignore[no-untyped-call]  # diffusers has no types for it
    output = pipeline(
        prompt,
        num_inference_steps=num_inference_steps,
        guidance_scale=guidance_scale,
        num_images_per_prompt=len(seeds),
        generator=[torch.Generator().manual_seed(seed) for seed in seeds],
        height=pipeline.unet.config.sample_size * pipeline.vae_scale_factor,
        width=pipeline.unet.config.sample_size * pipeline.vae_scale_factor,
        output_type="np",
    )
    return torch.from_numpy((output.images * 255).round().astype("uint8")).permute(0, 3, 1, 2)
