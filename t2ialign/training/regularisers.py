"""Terms that hold a policy back, added to any loss; and a safeguard that only shapes the loser's gradient.

A penalty is a frozen dataclass whose ``weight`` multiplies what it returns for each picture. Gradients flow through the
policy's output alone; the reference's never has any.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.diffusion.noise import Prediction, epsilon_gap, predicted_x0
from t2ialign.training.data import TrainBatch


@dataclass(frozen=True)
class Evaluation:
    """The two models' outputs on one noised batch, and what they should have been; ``reference`` None = not asked.

    ``perceive`` turns any output into the states of the UNet's encoder one step on; of a transformer there are none.
    """

    batch: TrainBatch
    noisy: Float[Tensor, "n c h w"]
    alpha_bar: Float[Tensor, "n 1 1 1"]
    prediction: Prediction
    target: Float[Tensor, "n c h w"]
    policy: Float[Tensor, "n c h w"]
    reference: Float[Tensor, "n c h w"] | None
    perceive: Callable[[Tensor], Tensor] | None = None

    @property
    def base(self) -> Float[Tensor, "n c h w"]:
        """The reference's output, for what said ``needs_reference``."""
        if self.reference is None:
            raise ValueError("The reference was not evaluated: what reads it must say needs_reference.")
        return self.reference


@runtime_checkable
class Penalty(Protocol):
    """Something to add to every picture's loss, already weighted."""

    @property
    def needs_reference(self) -> bool: ...

    def __call__(self, seen: Evaluation) -> Float[Tensor, " n"]: ...


@dataclass(frozen=True)
class KlToReference:
    """weight |e_policy - e_reference|^2, the mean over channels and pixels, as DPOK and DRaFT+ regularise.

    Up to a factor that depends on the timestep it is the KL of one denoising step, measured on noised training
    pictures without guidance; velocities are turned into noise first, a flow's too.
    """

    weight: float = 1.0

    @property
    def needs_reference(self) -> bool:
        return True

    def __call__(self, seen: Evaluation) -> Float[Tensor, " n"]:
        gap = epsilon_gap(seen.policy, seen.base, seen.alpha_bar[:, 0], seen.prediction)
        return self.weight * gap.mean((1, 2)) / seen.policy.shape[1]


@dataclass(frozen=True)
class BatchEntropy:
    """-weight H of the pictures that the policy sees in its batch: a batch that grows alike is penalised.

    H is the quadratic Renyi entropy -log mean_ij exp(-|z_i - z_j|^2 / (2 h^2)) over i != j, with z the predicted x_0 as
    one vector each and h^2 the reference-free median of the squared distances, held constant in the gradient. It
    measures the variety of one step's batch, mixed prompts and timesteps: large batches make it meaningful.
    """

    weight: float = 0.01

    @property
    def needs_reference(self) -> bool:
        return False

    def __call__(self, seen: Evaluation) -> Float[Tensor, " n"]:
        count = len(seen.policy)
        if count < 3:
            return seen.policy.new_zeros(count)
        features = predicted_x0(seen.policy, seen.noisy, seen.alpha_bar, seen.prediction).flatten(1)
        return (-self.weight * renyi_entropy(features)).expand(count)


def renyi_entropy(features: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    """Quadratic Renyi entropy of a sample under a Gaussian kernel of median bandwidth, in nats; 0 = all alike.

    The bandwidth is the median distance of the sample itself, constant in the gradient: so the value hardly depends on
    scale, and its gradient pushes the closest pairs apart.
    """
    count = len(features)
    rows, columns = torch.triu_indices(count, count, 1, device=features.device)
    squared = (features[rows] - features[columns]).square().sum(1)
    bandwidth = squared.detach().median().clamp(min=1e-12)
    return math.log(len(rows)) - torch.logsumexp(-squared / (2 * bandwidth), 0)


@dataclass(frozen=True)
class LoserSafeguard:
    """Diffusion-SDPO's safeguard: the loser's gradient shrinks by lambda so that it cannot raise the winner's error.

    lambda = clip((1 - mu) |g_win|^2 / <g_win, g_lose>, 0, 1) where the product is positive, else 1; g are the gradients
    of the two mean squared errors with respect to the outputs, over the pairs evaluated together, as published. mu is
    0.9 for SD-1.5.
    """

    mu: float = 0.9

    def __call__(self, policy: Float[Tensor, "n c h w"], target: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The same outputs (winners, then losers); the losers' gradient is lambda times what it would be."""
        win, lose = policy.chunk(2)
        factor = self.factor(*(policy.detach().float() - target.float()).chunk(2))
        return torch.cat([win, factor * lose + (1 - factor) * lose.detach()])

    def factor(self, gap_win: Float[Tensor, "b c h w"], gap_lose: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
        """lambda, from what the outputs are off by (the gradients up to one common factor)."""
        along = (gap_win * gap_lose).sum()
        bound = (1 - self.mu) * gap_win.square().sum() / along.clamp(min=1e-12)
        return bound.clamp(max=1).where(along > 0, torch.ones_like(along))
