"""Adaptive projected guidance (Sadat et al. 2024, algorithm 1): less saturation at high scales.

The difference of the two predictions gets (reverse) momentum over the steps, a cap on its norm, and loses the part
that is parallel to the conditional prediction. The paper does this on predicted x0; here, as in diffusers' guider, it
is done on the model's outputs, so a ``norm_threshold`` tuned for one is not right for the other. The norm grows with
the square root of the latents' size: the threshold of 15 suits 128 x 128 x 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.linalg import vector_norm

from t2ialign.guidance.needs import Needs
from t2ialign.types import Guidance, InputError

DIMS = (-1, -2, -3)


@dataclass(frozen=True)
class Apg:
    """``eta`` keeps a share of the parallel part (1 = all), ``norm_threshold`` 0 means no cap, ``momentum`` is -1 to 1.

    Calling the strategy itself is one step without memory; ``begin()`` is the strategy for one generation.
    """

    guidance_scale: float = 4.0
    eta: float = 0.0
    norm_threshold: float = 15.0
    momentum: float = -0.5
    needs: ClassVar[Needs] = Needs(embedded="nothing")

    def begin(self) -> Guidance:
        if not -1 < self.momentum < 1 or self.norm_threshold < 0:
            raise InputError("APG's momentum must lie between -1 and 1 and its norm_threshold must not be negative.")
        return ApgRun(self)

    def __call__(
        self, noise_cond: Float[Tensor, "n c h w"], noise_uncond: Float[Tensor, "n c h w"], progress: float
    ) -> Float[Tensor, "n c h w"]:
        return self.combine(noise_cond, noise_cond - noise_uncond)

    def combine(
        self, noise_cond: Float[Tensor, "n c h w"], difference: Float[Tensor, "n c h w"]
    ) -> Float[Tensor, "n c h w"]:
        """Adds (guidance_scale - 1) (orthogonal + eta parallel) of the capped difference, each picture for itself."""
        if self.norm_threshold > 0:
            norm = vector_norm(difference, dim=DIMS, keepdim=True)
            difference = difference * (self.norm_threshold / norm).clamp(max=1)
        cond = noise_cond.double()
        direction = cond / vector_norm(cond, dim=DIMS, keepdim=True).clamp(min=1e-12)
        parallel = (difference.double() * direction).sum(DIMS, keepdim=True) * direction
        update = (difference.double() - parallel + self.eta * parallel).to(noise_cond.dtype)
        guided: Tensor = noise_cond + (self.guidance_scale - 1) * update
        return guided


class ApgRun:
    """APG over the steps of one generation: the difference is the running average d_i + momentum d_(i-1) + ..."""

    def __init__(self, apg: Apg) -> None:
        self.apg = apg
        self.average = torch.zeros(())

    def __call__(
        self, noise_cond: Float[Tensor, "n c h w"], noise_uncond: Float[Tensor, "n c h w"], progress: float
    ) -> Float[Tensor, "n c h w"]:
        self.average = noise_cond - noise_uncond + self.apg.momentum * self.average.to(noise_cond.device)
        return self.apg.combine(noise_cond, self.average)
