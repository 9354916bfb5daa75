"""The sigmoid link of DPO (Rafailov et al. 2023, eq. 7; for diffusion models Wallace et al. 2024, eq. 14)."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from t2ialign.objectives.beta import check_beta
from t2ialign.types import PairLogRatios


@dataclass(frozen=True)
class Sigmoid:
    """-log sigmoid(beta margin): log 2 where policy and reference agree, and it never quite stops pushing."""

    beta: float = 1.0

    def __post_init__(self) -> None:
        check_beta(self.beta)

    def __call__(self, ratios: PairLogRatios) -> Float[Tensor, " b"]:
        return softplus(-self.beta * ratios.margin)
