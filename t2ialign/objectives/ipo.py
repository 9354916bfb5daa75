"""IPO's squared link (Azar et al. 2023, eq. 17): a target for the margin instead of a push without end."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from t2ialign.objectives.beta import check_beta
from t2ialign.types import PairLogRatios


@dataclass(frozen=True)
class Ipo:
    """(margin - 1/(2 beta))^2: a margin beyond its target 1/(2 beta) is pulled back."""

    beta: float = 1.0

    def __post_init__(self) -> None:
        check_beta(self.beta)

    def __call__(self, ratios: PairLogRatios) -> Float[Tensor, " b"]:
        return (ratios.margin - 1 / (2 * self.beta)).square()
