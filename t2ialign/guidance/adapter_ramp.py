"""Adapter ramp: the adapters' weights grow with progress, at the cost of plain guidance.

The cheap cousin of annealed importance guidance, which mixes predictions where this mixes weights: the two agree to first
order in the adapter, and exactly where the weight is 0 or 1. With ``power`` 0 it is a switch, the base before ``start`` and
the checkpoint from there on: ImageReFL's combined generation (Sorokin et al. 2025, arXiv:2505.22569) and the step
schedule of AIG's released code (start 0.6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from t2ialign.guidance.needs import Needs
from t2ialign.types import InputError


@dataclass(frozen=True)
class AdapterRamp:
    """The adapters' share of their weights is 0 before ``start``, then ((progress - start) / (1 - start))^power."""

    guidance_scale: float = 4.0
    start: float = 0.0
    power: float = 2.0
    needs: ClassVar[Needs] = Needs(adapters=True, information=False)

    def begin(self) -> AdapterRamp:
        if not 0 <= self.start < 1 or self.power < 0:
            raise InputError("The adapter ramp starts at a progress from 0 to below 1, and its power is not negative.")
        return self

    def adapter_share(self, progress: float) -> float:
        if progress < self.start:
            return 0.0
        return float(((progress - self.start) / (1 - self.start)) ** self.power)

    def __call__(
        self, noise_cond: Float[Tensor, "n c h w"], noise_uncond: Float[Tensor, "n c h w"], progress: float
    ) -> Float[Tensor, "n c h w"]:
        return noise_uncond + self.guidance_scale * (noise_cond - noise_uncond)
