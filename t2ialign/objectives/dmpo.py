"""DMPO's link (Li et al. 2025): the reverse KL between the policy's preference and a nearly certain one.

The paper's authors published no code. The formula is that of AIDC-AI/Diffusion-SDPO, which names the method; it equals
EXO's preference loss (Ji et al. 2024, eq. 16).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid

from t2ialign.objectives.beta import check_beta
from t2ialign.types import InputError, PairLogRatios


@dataclass(frozen=True)
class Dmpo:
    """KL(Bernoulli(p) || Bernoulli(1 - alpha)) with p = sigmoid(beta margin).

    It is 0 at its target, beta margin = log((1 - alpha)/alpha), and pulls back beyond; the gradient also vanishes for
    pairs that are very wrong. So it is not comparable with ``sigmoid`` at the same beta and learning rate.
    """

    beta: float = 1.0
    alpha: float = 0.01

    def __post_init__(self) -> None:
        check_beta(self.beta)
        if not 0 < self.alpha < 1:
            raise InputError(
                f"DMPO's alpha is the chance that a preference is wrong: it must lie between 0 and 1, not {self.alpha}."
            )

    def __call__(self, ratios: PairLogRatios) -> Float[Tensor, " b"]:
        logit = self.beta * ratios.margin
        log_p, log_q = logsigmoid(logit), logsigmoid(-logit)
        against_win = log_p - math.log1p(-self.alpha)
        against_lose = log_q - math.log(self.alpha)
        return log_p.exp() * against_win + log_q.exp() * against_lose
