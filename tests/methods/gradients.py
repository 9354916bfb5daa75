"""The slope of a loss along a random direction of the policy's outputs: by autograd, and by small changes."""

from __future__ import annotations

from dataclasses import replace

import torch

from t2ialign.training.losses import Loss
from t2ialign.training.regularisers import Evaluation


def slope(loss: Loss, seen: Evaluation, eps: float = 1e-2) -> tuple[float, float]:
    along = torch.randn(seen.policy.shape, generator=torch.Generator().manual_seed(9))
    (grad,) = torch.autograd.grad(loss(seen).values.sum(), seen.policy)
    ends = [
        float(loss(replace(seen, policy=seen.policy.detach() + sign * eps * along)).values.double().sum())
        for sign in (1, -1)
    ]
    return float((grad * along).sum()), (ends[0] - ends[1]) / (2 * eps)
