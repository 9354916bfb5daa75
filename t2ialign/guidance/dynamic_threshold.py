"""Dynamic thresholding (Saharia et al. 2022, Imagen, arXiv:2205.11487, section 2.3): no saturation at high scales.

At each step the predicted picture x0 is cut to [-s, s] and divided by s / bound, with s the ``percentile`` of its absolute
values where that is above ``bound``. The paper's bound is 1, the range of pixels. Latents have no range, so by default
(``bound`` 0) the unguided prediction sets it: the guided x0 is scaled down until its percentile is that of the
conditional x0 and cut to that one's largest value, as the latent variant of mcmonkey4eva/sd-dynamic-thresholding mimics a
lower scale (of 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.guidance.needs import GuidanceStep, Needs
from t2ialign.types import InputError


@dataclass(frozen=True)
class DynamicThreshold:
    """``percentile`` is a share, 0.995 in the paper; ``bound`` 0 takes that of the prediction without guidance."""

    guidance_scale: float = 4.0
    percentile: float = 0.995
    bound: float = 0.0
    needs: ClassVar[Needs] = Needs(embedded="nothing")

    def begin(self) -> DynamicThreshold:
        if not 0 < self.percentile <= 1 or self.bound < 0:
            raise InputError(
                "Dynamic thresholding's percentile is a share above 0 up to 1, and its bound is not negative."
            )
        return self

    def guide(self, step: GuidanceStep) -> Float[Tensor, "n c h w"]:
        guided = step.to_x0(step.noise_uncond + self.guidance_scale * (step.noise_cond - step.noise_uncond))
        plain = step.to_x0(step.noise_cond).flatten(1).abs()
        if self.bound:
            bound = limit = torch.full_like(plain[:, 0], self.bound)
        else:
            bound, limit = plain.quantile(self.percentile, 1), plain.amax(1)
        reached = guided.flatten(1).abs().quantile(self.percentile, 1)
        scale = bound / reached.maximum(bound)
        limit = limit[:, None, None, None]
        return step.to_output((guided * scale[:, None, None, None]).clamp(-limit, limit))
