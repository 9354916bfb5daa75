"""A policy in two dimensions whose reference is known in closed form: a mixture of Gaussians seen through noise."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from t2ialign.training.chains import DdimChain
from t2ialign.training.on_policy import OnPolicySession, Recipe, train_on_policy
from t2ialign.training.plan import TrainPlan
from t2ialign.training.rollouts import Marks, Reward
from t2ialign.training.state import state_of
from t2ialign.types import TrainStep

STEPS = 6
BARS = torch.linspace(0.02, 0.9, STEPS)
CHAIN = DdimChain(torch.arange(STEPS).flip(0), BARS, torch.cat([BARS[1:], torch.tensor([0.97])]))
TWO = torch.tensor([[-2.0, 0.0], [2.0, 0.0]])
ONE = torch.zeros(1, 2)
TASTE = torch.tensor([1.0, 0.5])


@dataclass(frozen=True)
class ToyPolicy:
    """The mixture's own noise, less what each step of the chain has learned: a shift, and a matrix.

    Both are in units of the step's std, so that ``shift`` moves the mean of x_(t-1) by std times it.
    """

    centers: Tensor = field(default_factory=lambda: TWO)
    spread: float = 0.5
    shift: nn.Parameter = field(default_factory=lambda: nn.Parameter(torch.zeros(STEPS, 2)))
    matrix: nn.Parameter = field(default_factory=lambda: nn.Parameter(torch.zeros(STEPS, 2, 2)))
    shape: tuple[int, ...] = (2, 1, 1)
    device: str = "cpu"

    def predict_reference(self, latents: Tensor, timesteps: Tensor, rows: Tensor) -> Tensor:
        x, bar = latents.flatten(1), BARS[STEPS - 1 - timesteps][:, None]
        variance = bar * self.spread**2 + 1 - bar
        gap = x[:, None] - bar.sqrt()[:, None] * self.centers
        share = (-gap.square().sum(2) / (2 * variance)).softmax(1)
        return ((1 - bar).sqrt() * (share[:, :, None] * gap).sum(1) / variance)[:, :, None, None]

    def predict(self, latents: Tensor, timesteps: Tensor, rows: Tensor) -> Tensor:
        index = STEPS - 1 - timesteps
        learned = self.shift[index] + (self.matrix[index] @ latents.flatten(1)[:, :, None])[:, :, 0]
        per_noise, std = slopes()
        moved = learned * (std / per_noise)[index][:, None]
        return self.predict_reference(latents, timesteps, rows) + moved[:, :, None, None]


def slopes() -> tuple[Tensor, Tensor]:
    """By how much each step's mean moves with its noise, and the step's std."""
    one = torch.ones(STEPS, 1, 1, 1)
    mean, std = CHAIN.step(one, 0 * one, torch.arange(STEPS))
    return mean.flatten(), std.flatten()


def linear(latents: Tensor, row: int, seeds: tuple[int, ...]) -> Marks:
    """The reward that is easiest to think about: further along one direction."""
    found = latents.flatten(1) @ TASTE
    return Marks(found, found, float(torch.pdist(latents.flatten(1)).mean()))


def session(policy: ToyPolicy, recipe: Recipe, plan: TrainPlan, reward: Reward = linear) -> OnPolicySession:
    parameters = {"shift": policy.shift, "matrix": policy.matrix}
    state = state_of(parameters, plan, ["toy"], "cpu")
    return OnPolicySession(policy, CHAIN, reward, 1, recipe, plan, state)


def trained(
    recipe: Recipe, plan: TrainPlan, reward: Reward = linear, policy: ToyPolicy | None = None, path: Path | None = None
) -> tuple[ToyPolicy, list[TrainStep]]:
    policy = policy or ToyPolicy()
    return policy, list(train_on_policy(session(policy, recipe, plan, reward), path))
