"""Annealed importance guidance (Jena et al. 2024, arXiv:2409.06493): the base early, the trained checkpoint late.

The prediction is w checkpoint + (1 - w) base with w = progress^power, from 0 at pure noise to 1 at the picture, each of
them guided by the same scale. What a picture shows is decided early, by the base with all its variety; the checkpoint's
taste comes in late. A larger power stays with the base longer. The authors' released code has 1 (linear), 2 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from t2ialign.guidance.needs import GuidanceStep, Needs
from t2ialign.types import InputError


@dataclass(frozen=True)
class Aig:
    """``power`` 0 is the checkpoint alone. The released code counts steps, i / N; progress is the share of timesteps done."""

    guidance_scale: float = 4.0
    power: float = 2.0
    needs: ClassVar[Needs] = Needs(evaluations=4, adapters=True)

    def begin(self) -> Aig:
        if self.power < 0:
            raise InputError(
                "AIG's power must not be negative: 0 is the checkpoint alone, 2 stays with the base for long."
            )
        return self

    def guide(self, step: GuidanceStep) -> Float[Tensor, "n c h w"]:
        weight = step.progress**self.power
        cond = weight * step.noise_cond + (1 - weight) * step.predict(True, 0.0)
        uncond = weight * step.noise_uncond + (1 - weight) * step.predict(False, 0.0)
        guided: Tensor = uncond + self.guidance_scale * (cond - uncond)
        return guided
