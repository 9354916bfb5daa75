"""Rescaled guidance (Lin et al. 2024, arXiv:2305.08891, section 3.4): less overexposure at high scales.

The guided prediction gets back the spread of the conditional one, each picture for itself; ``rescale`` mixes that with
the plain guided prediction, which is less plain-looking. The paper's recommendation is 0.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from t2ialign.guidance.needs import Needs
from t2ialign.types import InputError

DIMS = (1, 2, 3)


@dataclass(frozen=True)
class CfgRescale:
    """``rescale`` (phi in the paper): 0 is plain classifier-free guidance, 1 the conditional prediction's spread."""

    guidance_scale: float = 4.0
    rescale: float = 0.7
    needs: ClassVar[Needs] = Needs(embedded="nothing")

    def begin(self) -> CfgRescale:
        if not 0 <= self.rescale <= 1:
            raise InputError("The rescaling of guidance is a share from 0 (none) to 1 (all of it).")
        return self

    def __call__(
        self, noise_cond: Float[Tensor, "n c h w"], noise_uncond: Float[Tensor, "n c h w"], progress: float
    ) -> Float[Tensor, "n c h w"]:
        guided = noise_uncond + self.guidance_scale * (noise_cond - noise_uncond)
        rescaled = guided * (noise_cond.std(DIMS, keepdim=True) / guided.std(DIMS, keepdim=True))
        return self.rescale * rescaled + (1 - self.rescale) * guided
