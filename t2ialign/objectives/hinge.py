"""The hinge link of SLiC-HF (Zhao et al. 2023, eq. 1, on log-ratios as in diffusers' Diffusion-DPO script)."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from t2ialign.objectives.beta import check_beta
from t2ialign.types import PairLogRatios


@dataclass(frozen=True)
class Hinge:
    """max(0, 1 - beta margin): full strength up to a margin of 1/beta, nothing beyond."""

    beta: float = 1.0

    def __post_init__(self) -> None:
        check_beta(self.beta)

    def __call__(self, ratios: PairLogRatios) -> Float[Tensor, " b"]:
        return (1 - self.beta * ratios.margin).relu()
