"""The linear maps that LAION's aesthetic predictor and ImageReward write as networks of five layers."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

LAYERS = (0, 2, 4, 6, 7)  # the positions of the linear layers among the drop-outs


def collapse(state: Mapping[str, Tensor], prefix: str = "layers.") -> tuple[Float[Tensor, " d"], Float[Tensor, ""]]:
    """Weight and bias of the one linear map that layers without activations amount to, in float64."""
    weight, bias = torch.ones(1, 1, dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for layer in reversed(LAYERS):
        bias = bias + (weight @ state[f"{prefix}{layer}.bias"].double()).squeeze(0)
        weight = weight @ state[f"{prefix}{layer}.weight"].double()
    return weight[0], bias
