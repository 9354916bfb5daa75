"""Classifier-free guidance (Ho & Salimans 2022, eq. 6, in the scale that Stable Diffusion uses)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from t2ialign.guidance.needs import Needs


@dataclass(frozen=True)
class Cfg:
    """noise = uncond + guidance_scale (cond - uncond): 0 ignores the prompt, 1 is the plain conditional model.

    What people ask for below 1 is taken for 1, as stock pipelines take it (``limits.guidance_taken``).
    """

    guidance_scale: float = 4.0
    needs: ClassVar[Needs] = Needs()

    def begin(self) -> Cfg:
        return self

    def __call__(
        self, noise_cond: Float[Tensor, "n c h w"], noise_uncond: Float[Tensor, "n c h w"], progress: float
    ) -> Float[Tensor, "n c h w"]:
        return noise_uncond + self.guidance_scale * (noise_cond - noise_uncond)
