"""The link of alpha-DPO for diffusion models (published as yangli-lab/Diffusion_alpha-DPO_ICLR2026).

Here alpha shapes the loss, not the divergence between the policies (that is ``divergences.Alpha``).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid

from t2ialign.objectives.beta import check_beta
from t2ialign.types import InputError, PairLogRatios


@dataclass(frozen=True)
class AlphaDpo:
    """(p^alpha - (1 - alpha) - alpha p) / (alpha (alpha - 1)) with p = sigmoid(beta margin).

    With alpha near 1, as published, the gradient is p (1 - p) log p: pairs that the policy orders badly are left
    alone, as if mislabelled. The published launch script also multiplies by the batch's mean p, a change of rate only.
    """

    beta: float = 1.0
    alpha: float = 0.9999

    def __post_init__(self) -> None:
        check_beta(self.beta)
        if self.alpha <= 0 or self.alpha == 1:
            raise InputError(f"The alpha of alpha-DPO must be above 0 and not 1 (0.9999 is close), not {self.alpha:g}.")

    def __call__(self, ratios: PairLogRatios) -> Float[Tensor, " b"]:
        log_p, log_q = logsigmoid(self.beta * ratios.margin), logsigmoid(-self.beta * ratios.margin)
        # p^alpha - p = p (p^(alpha-1) - 1), so that nothing cancels where alpha is almost 1
        rest = torch.expm1((self.alpha - 1) * log_p) / (self.alpha - 1)
        return (log_p.exp() * rest + log_q.exp()) / self.alpha
