"""Latent particle guidance (Corso et al. 2024, arXiv:2310.13102): the pictures of a batch push each other apart.

The noise prediction of picture i loses strength noise_level sum_j 2 k_ij (z_i - z_j) / h_i, with k_ij = exp(-|z_i - z_j|^2 /
h_i) and h_i = median_j |z_i - z_j|^2 / log(n - 1), over the others j, while noise_level >= 1, as in the authors' code (in the
latents' space; they also have DINO's). Their code's strength is 0, off, and their figures' are not stated in it; its guidance
scale is ours less 1 (cond + w (cond - uncond)). A picture is one of its batch, then: another batch gives another picture for
the same seed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.guidance.needs import GuidanceStep, Needs
from t2ialign.types import InputError

LOWEST_NOISE = 1.0


@dataclass(frozen=True)
class LatentParticle:
    """``strength`` 0 is plain guidance. ``batch`` names the seeds that were made together; it is filled in, not chosen."""

    guidance_scale: float = 4.0
    strength: float = 3.0
    batch: float = 0.0
    needs: ClassVar[Needs] = Needs(
        whole_batch=True,
        fewest=3,
        not_on_flow="it pushes as hard as there is noise by signal, which has no bound where a flow begins",
    )

    def begin(self) -> LatentParticle:
        if self.strength < 0:
            raise InputError("Particle guidance pushes pictures apart with a strength that is not negative.")
        return self

    def guide(self, step: GuidanceStep) -> Float[Tensor, "n c h w"]:
        guided = step.noise_uncond + self.guidance_scale * (step.noise_cond - step.noise_uncond)
        if step.noise_level < LOWEST_NOISE or self.strength == 0:
            return guided
        push = self.strength * step.noise_level * repulsion(step.latents)
        return step.to_output(step.to_x0(guided) + step.noise_level * push)  # less noise, so more of x0


def repulsion(latents: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """The sum over the others of 2 k_ij (z_i - z_j) / h_i: where each picture is pushed by the rest of its batch."""
    n = len(latents)
    flat = latents.flatten(1)
    others = ~torch.eye(n, dtype=torch.bool, device=latents.device)
    gaps = (flat[:, None] - flat[None])[others].view(n, n - 1, -1)
    squared = gaps.square().sum(-1)
    bandwidth = squared.median(1, keepdim=True).values / math.log(n - 1)
    return (2 * (-squared / bandwidth).exp() / bandwidth)[..., None].mul(gaps).sum(1).view_as(latents)
