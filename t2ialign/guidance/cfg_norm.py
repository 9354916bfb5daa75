"""CFG that keeps the length of the prompt's own prediction, patch by patch: ``true_cfg_scale`` of diffusers' QwenImagePipeline.

The guided prediction of each square of latent cells, which such a transformer reads as one token, is scaled to the norm that
the prediction for the prompt has there. Qwen-Image's pipeline always does so; plain ``cfg`` leaves the length alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.guidance.needs import Needs
from t2ialign.types import InputError


@dataclass(frozen=True)
class CfgNorm:
    """``patch``: the cells on a side of a square; its pipeline's is 2."""

    guidance_scale: float = 4.0
    patch: float = 2
    needs: ClassVar[Needs] = Needs(embedded="nothing")

    def begin(self) -> CfgNorm:
        if self.patch < 1 or self.patch != int(self.patch):
            raise InputError("The patch of cfg_norm is a whole number of latent cells from 1 on; Qwen-Image's is 2.")
        return self

    def __call__(
        self, noise_cond: Float[Tensor, "n c h w"], noise_uncond: Float[Tensor, "n c h w"], progress: float
    ) -> Float[Tensor, "n c h w"]:
        guided = noise_uncond + self.guidance_scale * (noise_cond - noise_uncond)
        side, (height, width) = int(self.patch), guided.shape[-2:]
        if height % side or width % side:
            raise InputError(
                f"Latents of {width} x {height} cells have no squares of {side}: ask for another patch, or another size."
            )
        lengths = (torch.norm(_squares(one, side), dim=-1) for one in (noise_cond, guided))
        share = next(lengths) / next(lengths)
        shortened: Tensor = guided * share.repeat_interleave(side, -2).repeat_interleave(side, -1)[:, None]
        return shortened


def _squares(cells: Float[Tensor, "n c h w"], side: int) -> Float[Tensor, "n h2 w2 d"]:
    n, c, h, w = cells.shape
    rows = cells.reshape(n, c, h // side, side, w // side, side).permute(0, 2, 4, 1, 3, 5)
    return rows.reshape(n, h // side, w // side, c * side * side)
