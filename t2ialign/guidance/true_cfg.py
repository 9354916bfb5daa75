"""True CFG on a network that guides by itself (FLUX.1-dev): classifier-free guidance on top of that.

Such a network was distilled from guided predictions: it is told a scale and predicts for the prompt alone, which is what
the strategy ``cfg`` asks of it. Here it predicts for the prompt and for no (or the negative) prompt, both told ``embedded``,
and the two are combined by ``guidance_scale``: FluxPipeline's ``true_cfg_scale``, at twice the cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from t2ialign.guidance.needs import Needs
from t2ialign.types import InputError


@dataclass(frozen=True)
class TrueCfg:
    """``guidance_scale`` combines the two predictions, ``embedded`` is what the network is told (3.5 in its pipeline)."""

    guidance_scale: float = 2.0
    embedded: float = 3.5
    needs: ClassVar[Needs] = Needs(embedded="both")

    def begin(self) -> TrueCfg:
        if self.embedded < 0:
            raise InputError("The scale that the network is told is not negative; FLUX.1-dev's usual one is 3.5.")
        return self

    def __call__(
        self, noise_cond: Float[Tensor, "n c h w"], noise_uncond: Float[Tensor, "n c h w"], progress: float
    ) -> Float[Tensor, "n c h w"]:
        return noise_uncond + self.guidance_scale * (noise_cond - noise_uncond)
