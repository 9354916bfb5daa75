"""The loop: from noise to latents, with guidance and mutual information, as a generator of steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.diffusion.backbone import Backbone
from t2ialign.diffusion.guiding import Guiding, OtherView
from t2ialign.diffusion.noise import predicted_x0
from t2ialign.diffusion.tally import tally
from t2ialign.diffusion.text import PromptEmbeds, stack
from t2ialign.guidance.needs import PromptReading, StepGuidance
from t2ialign.types import Guidance

NOTHING_READ = PromptReading()


@dataclass(frozen=True)
class DenoiseStep:
    """What one step left behind. Mutual information is the estimate over the steps so far, in nats.

    It is MI-TUNE's eq. 2, and on a flow what stands for it there, along the very trajectory that makes the picture
    (algorithm 2; ``tally`` has both). ``mutual_information_released`` is that of the published code (NaN before its first
    step), ``mutual_information_map`` each latent cell's share.
    """

    index: int
    total: int
    timestep: float
    latents: Float[Tensor, "n c h w"]
    predicted_x0: Float[Tensor, "n c h w"]
    mutual_information: Float[Tensor, " n"]
    mutual_information_released: Float[Tensor, " n"]
    mutual_information_map: Float[Tensor, "n h w"]


def initial_noise(shape: tuple[int, int, int], generators: Sequence[torch.Generator]) -> Float[Tensor, "n c h w"]:
    """Each picture's noise from its own CPU generator: a seed means the same on every device and in every batch."""
    return torch.cat([torch.randn((1, *shape), generator=generator) for generator in generators])


@torch.no_grad()
def denoise(
    backbone: Backbone,
    prompt: PromptEmbeds,
    empty: PromptEmbeds,
    seeds: Sequence[int],
    guidance: Guidance | StepGuidance,
    scheduler: str = "ddim",
    num_inference_steps: int = 25,
    height: int = 64,
    width: int = 64,
    reading: PromptReading = NOTHING_READ,
    other: OtherView | None = None,
) -> Iterator[DenoiseStep]:
    """Denoises one picture a seed, all of ``prompt``; every step is one evaluation of the UNet on both prompts.

    A strategy may ask for more: ``guidance.needs`` says for what, and what each costs. ``reading`` is what the prompt names,
    for one that asks for that, and ``other`` the checkpoint that it names.
    ``prompt`` and ``empty`` are embeddings of one prompt each; ``empty`` is what guidance leads away from. In fp32 on a
    CPU the latents are bit-identical to those of stock diffusers' pipeline with a list of generators.
    """
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    run = backbone.begin(scheduler, num_inference_steps, height, width)
    latents = run.start(initial_noise(backbone.latent_shape(height, width), generators).to(backbone.device))
    embeds = stack([empty.repeat(len(seeds)), prompt.repeat(len(seeds))])
    guiding = Guiding.of(backbone, guidance, embeds, seeds, reading, other)
    information = tally(run, backbone.prediction, latents)
    for index, timestep in enumerate(run.timesteps):
        alpha_bar = run.alpha_bar(index)
        latents = guiding.moved(latents, run, index)
        noisy = run.model_input(latents, timestep)
        progress = 1 - float(timestep) / run.train_timesteps
        cond, uncond, guided = guiding.predictions(noisy, timestep, alpha_bar, progress)
        information.add(index, cond, uncond, guided)
        latents = run.step(guided, timestep, latents, generators)
        yield DenoiseStep(
            index,
            len(run.timesteps),
            float(timestep),
            latents,
            predicted_x0(guided, noisy, alpha_bar, backbone.prediction),
            information.estimate,
            information.released,
            information.share,
        )
