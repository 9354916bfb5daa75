"""Condition-annealed sampling (CADS, Sadat et al. 2024, arXiv:2310.17347): noise on the prompt that fades away.

y' = sqrt(gamma) y + noise_scale sqrt(1 - gamma) n, brought back to the mean and spread of y (``mixing`` of it). gamma is 0
while 1 - progress >= tau2, 1 from 1 - progress <= tau1 on, linear between: first the picture forms freely, then the
prompt takes over. As in the public implementation (v0xie/sd-webui-cads, whose defaults these are) both prompts get noise,
and SDXL's pooled embeddings too; unlike there each picture draws from a generator of its own seed and its statistics are
its own, so that a picture does not depend on its batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from t2ialign.guidance.needs import Needs
from t2ialign.types import InputError


@dataclass(frozen=True)
class Cads:
    """``noise_scale`` (s in the paper) up to about 0.3; ``mixing`` (psi) below 1 is more varied and may fall apart."""

    guidance_scale: float = 4.0
    noise_scale: float = 0.25
    tau1: float = 0.6
    tau2: float = 0.9
    mixing: float = 1.0
    needs: ClassVar[Needs] = Needs(information=False)

    def begin(self) -> Cads:
        if not 0 <= self.tau1 < self.tau2 <= 1 or self.noise_scale < 0 or not 0 <= self.mixing <= 1:
            raise InputError(
                "CADS needs 0 <= tau1 < tau2 <= 1, a noise_scale that is not negative, and mixing from 0 to 1."
            )
        return self

    def gamma(self, progress: float) -> float:
        """The share of the prompt in its embeddings' variance."""
        return min(max((self.tau2 - (1 - progress)) / (self.tau2 - self.tau1), 0.0), 1.0)

    def condition(
        self, embeds: Float[Tensor, "b ..."], noise: Float[Tensor, "b ..."], progress: float
    ) -> Float[Tensor, "b ..."]:
        gamma = self.gamma(progress)
        if gamma == 1 or self.noise_scale == 0:  # no noise: nothing to bring back
            return embeds
        noised = math.sqrt(gamma) * embeds + self.noise_scale * math.sqrt(1 - gamma) * noise
        dims = tuple(range(1, embeds.ndim))
        mean, std = noised.mean(dims, keepdim=True), noised.std(dims, keepdim=True)
        rescaled = (noised - mean) / std * embeds.std(dims, keepdim=True) + embeds.mean(dims, keepdim=True)
        return self.mixing * rescaled + (1 - self.mixing) * noised

    def __call__(
        self, noise_cond: Float[Tensor, "n c h w"], noise_uncond: Float[Tensor, "n c h w"], progress: float
    ) -> Float[Tensor, "n c h w"]:
        return noise_uncond + self.guidance_scale * (noise_cond - noise_uncond)
