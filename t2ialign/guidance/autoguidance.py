"""Autoguidance (Karras et al. 2024, arXiv:2406.02507): away from a weaker version of the model itself.

The prediction is weak + guidance_scale (checkpoint - weak), both for the prompt: what the two share is left alone, what
sets the checkpoint apart is driven further. The paper's weaker model is a smaller or less trained one. Here it is another
checkpoint of the same backbone (``weaker_checkpoint``: an early step of the training, say), or else the checkpoint with its
adapters turned down, to the base (``weaker`` 0) or to a share of their weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from t2ialign.guidance.needs import GuidanceStep, Needs
from t2ialign.types import InputError


@dataclass(frozen=True)
class Autoguidance:
    """``guidance_scale`` 1 is the plain conditional checkpoint, 0 the weaker model; no prompt plays no part."""

    guidance_scale: float = 2.0
    weaker: float = 0.0
    weaker_checkpoint: str = ""
    needs: ClassVar[Needs] = Needs(evaluations=3, adapters=True, embedded="nothing", checkpoint="weaker_checkpoint")

    def begin(self) -> Autoguidance:
        if not 0 <= self.weaker < 1:
            raise InputError("Autoguidance's weaker model has the adapters at a share from 0 (the base) to below 1.")
        if self.weaker and self.weaker_checkpoint:
            raise InputError(
                "Autoguidance has one weaker model: give weaker (a share of the adapters) or weaker_checkpoint, which can say "
                "a weight itself, as name@0.5."
            )
        return self

    def guide(self, step: GuidanceStep) -> Float[Tensor, "n c h w"]:
        weak = step.other(True) if self.weaker_checkpoint else step.predict(True, self.weaker)
        return weak + self.guidance_scale * (step.noise_cond - weak)
