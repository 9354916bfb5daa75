"""Diffusion-KTO (Li et al. 2024, eq. 8): thumbs up and thumbs down on single pictures, no pairs."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from t2ialign.objectives.beta import check_beta
from t2ialign.types import LabelledLogRatios


@dataclass(frozen=True)
class Kto:
    """weight (1 - sigmoid(y beta (log_ratio - K))), y = 1 for liked pictures and -1 for others.

    K = max(0, mean log-ratio of the batch) is the reference point, held constant in the gradient; the published code
    takes the mean over all processes, here it is that of the pictures evaluated together.
    """

    beta: float = 1.0
    desirable_weight: float = 1.0
    undesirable_weight: float = 1.0

    def __post_init__(self) -> None:
        check_beta(self.beta)

    def __call__(self, ratios: LabelledLogRatios) -> Float[Tensor, " b"]:
        point = ratios.log_ratio.mean().clamp(min=0).detach()
        gain = self.beta * (ratios.log_ratio - point)
        liked = self.desirable_weight * (-gain).sigmoid()
        return liked.where(ratios.desirable, self.undesirable_weight * gain.sigmoid())
