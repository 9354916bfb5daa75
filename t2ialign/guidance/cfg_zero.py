"""CFG-Zero* (Fan et al. 2025, arXiv:2503.18886): the unconditional prediction scaled to where it fits the conditional one.

The prediction is s uncond + guidance_scale (cond - s uncond) with s = <cond, uncond> / |uncond|^2, each picture for itself.
The first ``zero_steps`` predictions are zero, which for a flow model is standing still. There the default is 1, as in the
authors' code: its ``zero_steps`` of 0 is the index of the last such step, so that one prediction is zero, as with diffusers'
``zero_init_steps`` of 1. A noise of zero is no standing still, so the default of other models is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.guidance.needs import Needs
from t2ialign.types import Guidance, InputError

DIMS = (1, 2, 3)


@dataclass(frozen=True)
class CfgZero:
    """Calling the strategy itself is a step after the first ones; ``begin()`` counts them."""

    guidance_scale: float = 4.0
    zero_steps: float = 0
    needs: ClassVar[Needs] = Needs(embedded="nothing", flow=(("zero_steps", 1.0),))

    def begin(self) -> Guidance:
        if self.zero_steps < 0 or self.zero_steps != int(self.zero_steps):
            raise InputError("CFG-Zero's zero_steps is how many first steps predict nothing: a whole number from 0 on.")
        return CfgZeroRun(self)

    def __call__(
        self, noise_cond: Float[Tensor, "n c h w"], noise_uncond: Float[Tensor, "n c h w"], progress: float
    ) -> Float[Tensor, "n c h w"]:
        fit = (noise_cond * noise_uncond).sum(DIMS, keepdim=True) / (
            noise_uncond.square().sum(DIMS, keepdim=True) + 1e-8
        )
        fitted = fit * noise_uncond
        return fitted + self.guidance_scale * (noise_cond - fitted)


class CfgZeroRun:
    """CFG-Zero* over the steps of one generation."""

    def __init__(self, strategy: CfgZero) -> None:
        self.strategy = strategy
        self.steps = 0

    def __call__(
        self, noise_cond: Float[Tensor, "n c h w"], noise_uncond: Float[Tensor, "n c h w"], progress: float
    ) -> Float[Tensor, "n c h w"]:
        self.steps += 1
        if self.steps <= self.strategy.zero_steps:
            return torch.zeros_like(noise_cond)
        return self.strategy(noise_cond, noise_uncond, progress)
