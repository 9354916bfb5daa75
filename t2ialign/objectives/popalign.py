"""PopAlign's link (Li et al. 2024): pictures of a preferred population against those of another, each by itself."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from t2ialign.objectives.beta import check_beta
from t2ialign.types import PairLogRatios


@dataclass(frozen=True)
class PopAlign:
    """-(log sigmoid(beta (win - K)) + log sigmoid(-beta (lose - K))) / 2: a pair is one picture of either population.

    K = max(0, mean log-ratio of the batch) is KTO's reference point, held constant in the gradient.
    """

    beta: float = 1.0

    def __post_init__(self) -> None:
        check_beta(self.beta)

    def __call__(self, ratios: PairLogRatios) -> Float[Tensor, " b"]:
        win, lose = ratios.log_ratio_win, ratios.log_ratio_lose
        point = torch.cat([win, lose]).mean().clamp(min=0).detach()
        return (softplus(-self.beta * (win - point)) + softplus(self.beta * (lose - point))) / 2
