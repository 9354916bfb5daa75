"""No guidance, at half the cost: the network is asked for the prompt alone, so what the prompt says is not measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from t2ialign.guidance.needs import Needs


@dataclass(frozen=True)
class PromptOnly:
    """The plain conditional model, as plain guidance at CFG 1 is too, but without the prediction for no prompt.

    That prediction is what mutual information is read off, so it is unknown here. The pictures are those of CFG 1 up to
    rounding, and cells of their own: a stored one never answers for the other.
    """

    guidance_scale: float = 1.0
    needs: ClassVar[Needs] = Needs(evaluations=1, information=False, embedded="nothing")

    def begin(self) -> PromptOnly:
        return self

    def alone(self, noise_cond: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The guided prediction from that for the prompt."""
        return noise_cond

    def __call__(
        self, noise_cond: Float[Tensor, "n c h w"], noise_uncond: Float[Tensor, "n c h w"], progress: float
    ) -> Float[Tensor, "n c h w"]:
        return self.alone(noise_cond)
