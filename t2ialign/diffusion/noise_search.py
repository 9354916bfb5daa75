"""DNO: the noise of one picture, moved up the slope of a reward while it stays likely (Tang et al. 2024, arXiv:2405.18881).

Nothing is trained: the model stands still, and what is searched for is the noise that it starts from and the noise of each of
its steps. The regulariser asks how likely such noise is at all: the mean and the covariance of its values, cut into vectors of
a few, are bounded by concentration inequalities, in the given order and in shuffled ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.diffusion.noise import ddim_step

Predict = Callable[[Tensor, int], Tensor]
"""The (guided) noise that a model sees in latents [1 c h w] at a step's place in the chain; gradients flow through it."""


@dataclass(frozen=True)
class SearchPlan:
    """``steps`` of AdamW on all noise, ``gamma`` times the regulariser; its vectors have ``width`` values each.

    The published numbers are 100 steps of 0.01, DDIM's eta 1, vectors of 4, 100 shuffles; ``gamma`` is 0 there by default.
    """

    steps: int = 100
    learning_rate: float = 0.01
    gamma: float = 0.0
    eta: float = 1.0
    width: int = 4
    shuffles: int = 100
    grad_clip: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class SearchStep:
    """Where the search is: the picture's latents, its reward, and how unlikely its noise is (0 for likely noise)."""

    step: int
    latents: Float[Tensor, "1 c h w"]
    reward: float
    unlikely: float


def search_noise(
    plan: SearchPlan,
    shape: tuple[int, int, int],
    bars: tuple[Float[Tensor, " t"], Float[Tensor, " t"]],
    predict: Predict,
    reward: Callable[[Tensor], Tensor],
) -> Iterator[SearchStep]:
    """Yields every step, the first from noise as drawn. ``bars``: the share of signal at each step of the chain, and after."""
    rng = torch.Generator().manual_seed(plan.seed)
    count = len(bars[0])
    device = bars[0].device
    noise = torch.randn((count + 1, *shape), generator=rng).to(device).requires_grad_()
    optimizer = torch.optim.AdamW([noise], lr=plan.learning_rate)
    for step in range(plan.steps + 1):
        optimizer.zero_grad()
        with torch.enable_grad():
            latents = drawn(noise, bars, predict, plan.eta)
            found = reward(latents).mean()
            searched = (noise if plan.eta > 0 else noise[:1]).flatten()
            unlikely = improbability(searched, plan.width, plan.shuffles, rng)
            (noise.grad,) = torch.autograd.grad(plan.gamma * unlikely - found, noise)
        yield SearchStep(step, latents.detach(), float(found.detach()), float(unlikely.detach()))
        torch.nn.utils.clip_grad_norm_([noise], plan.grad_clip)
        optimizer.step()


def drawn(
    noise: Float[Tensor, "k c h w"], bars: tuple[Float[Tensor, " t"], Float[Tensor, " t"]], predict: Predict, eta: float
) -> Float[Tensor, "1 c h w"]:
    """The picture of that noise: the first is what the chain starts from, the others belong to its steps."""
    latents = noise[:1]
    for index, (now, after) in enumerate(zip(*bars, strict=True)):
        mean, std = ddim_step(predict(latents, index), latents, now, after, eta)
        latents = mean + std * noise[index + 1 : index + 2] if eta > 0 else mean
    return latents


def improbability(noise: Float[Tensor, " m"], width: int, shuffles: int, rng: torch.Generator) -> Float[Tensor, ""]:
    """Minus the log of the two bounds in order, plus the mean over ``shuffles`` random orders of the same."""
    orders = [torch.randperm(len(noise), generator=rng).to(noise.device) for _ in range(shuffles)]
    found = _bounds(noise, width)
    return found + torch.stack([_bounds(noise[order], width) for order in orders]).mean() if orders else found


def _bounds(noise: Float[Tensor, " m"], width: int) -> Float[Tensor, ""]:
    """Of n vectors of k values: n |mean|^2 / (2 k) and n (sqrt(1 + |cov - 1|) - 1 - sqrt(k / n))^2 / 2, each less log 2.

    Below log 2 a bound says nothing, and counts as 0.
    """
    count = len(noise) // width
    vectors = noise[: count * width].reshape(count, width)
    mean = count * vectors.mean(0).square().sum() / (2 * width)
    gap = torch.linalg.matrix_norm(vectors.T @ vectors / count - torch.eye(width).to(vectors), ord=2)
    excess = ((1 + gap).sqrt() - 1 - math.sqrt(width / count)).clamp(min=0)
    return sum(((one - math.log(2)).clamp(min=0) for one in (mean, count * excess.square() / 2)), noise.new_zeros(()))
