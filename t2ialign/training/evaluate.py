"""One noised batch through the reference and the policy, which are one UNet with the adapter off and on."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.diffusion.adapters import reference
from t2ialign.diffusion.backbone import DTYPES, Backbone
from t2ialign.diffusion.flow import training_levels
from t2ialign.diffusion.noise import add_noise
from t2ialign.diffusion.schedulers import begin_run
from t2ialign.training.data import TrainBatch
from t2ialign.training.draws import Draw
from t2ialign.training.log_ratio import denoising_target
from t2ialign.training.perception import Perception
from t2ialign.training.plan import Precision
from t2ialign.training.regularisers import Evaluation


def alpha_bars(backbone: Backbone) -> Float[Tensor, " t"]:
    """The share of signal at every training timestep of the backbone's own schedule, most of it first."""
    if backbone.flow:
        return training_levels(backbone.scheduler_config).to(backbone.device)
    levels: Tensor = begin_run(backbone.scheduler_config, "ddpm", 1, backbone.device).scheduler.alphas_cumprod.to(
        backbone.device
    )
    return levels


def evaluate(
    policy: Backbone,
    batch: TrainBatch,
    draw: Draw,
    schedule: Float[Tensor, " t"],
    precision: Precision,
    needs_reference: bool,
) -> Evaluation:
    """Both models' outputs on the batch; the pictures of a pair share timestep and noise.

    The reference comes first and without gradients: gradient checkpointing would otherwise evaluate the policy again
    with whatever is on.
    """
    device = policy.device
    timesteps = draw.timesteps.to(device).repeat(batch.pictures)
    noise = draw.noise.to(device).repeat(batch.pictures, 1, 1, 1)
    latents, embeds = batch.latents.to(device), batch.embeds.to(device)
    level = schedule[timesteps]
    alpha_bar = level[:, None, None, None]
    noisy = add_noise(latents, noise, alpha_bar, policy.prediction)
    times = (1 - level) * len(schedule) if policy.flow else timesteps
    other = None
    with torch.autocast(torch.device(device).type, DTYPES[precision], enabled=precision != "float32"):
        if needs_reference:
            with torch.no_grad(), reference(policy) as base:
                other = base.predict_noise(noisy, times, embeds)
        output = policy.predict_noise(noisy, times, embeds)
    target = denoising_target(latents, noise, alpha_bar, policy.prediction)
    batch = replace(
        batch,
        latents=latents,
        embeds=embeds,
        weights=batch.weights.to(device),
        desirable=None if batch.desirable is None else batch.desirable.to(device),
    )
    perceive = None if policy.flow else Perception(policy, noisy, noise, timesteps, schedule, embeds)
    return Evaluation(batch, noisy, alpha_bar, policy.prediction, target, output, other, perceive)
