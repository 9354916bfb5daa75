"""Policies in two dimensions whose references are known in closed form: a mixture of Gaussians through noise, and a flow."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from t2ialign.training.chains import Chain, DdimChain, FlowChain
from t2ialign.training.on_policy import OnPolicySession, Recipe, train_on_policy
from t2ialign.training.plan import TrainPlan
from t2ialign.training.rollouts import Marks, Reward
from t2ialign.training.state import state_of
from t2ialign.types import TrainStep

STEPS = 6
BARS = torch.linspace(0.02, 0.9, STEPS)
CHAIN = DdimChain(torch.arange(STEPS).flip(0), BARS, torch.cat([BARS[1:], torch.tensor([0.97])]))
LEVELS = torch.tensor([1.0, 0.95, 0.85, 0.7, 0.5, 0.25, 0.0])
FLOW = FlowChain(1000 * LEVELS[:-1], LEVELS[:-1], LEVELS[1:])
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
    chain: Chain = CHAIN

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


@dataclass(frozen=True)
class FlowToy:
    """A Gaussian around 0 as a rectified flow has it: its own velocity, and what each step of the chain has learned.

    That is in the same units, and in the last step, which adds no noise, in those of the velocity.
    """

    spread: float = 0.5
    shift: nn.Parameter = field(default_factory=lambda: nn.Parameter(torch.zeros(STEPS, 2)))
    matrix: nn.Parameter = field(default_factory=lambda: nn.Parameter(torch.zeros(STEPS, 2, 2)))
    shape: tuple[int, ...] = (2, 1, 1)
    device: str = "cpu"
    chain: Chain = FLOW

    def predict_reference(self, latents: Tensor, timesteps: Tensor, rows: Tensor) -> Tensor:
        return gaussian_velocity(latents, timesteps / 1000, 0.0, self.spread)

    def predict(self, latents: Tensor, timesteps: Tensor, rows: Tensor) -> Tensor:
        index = (timesteps[:, None] == FLOW.timesteps).int().argmax(1)
        learned = self.shift[index] + (self.matrix[index] @ latents.flatten(1)[:, :, None])[:, :, 0]
        per_output, std = slopes(FLOW)
        units = torch.where(std > 0, std / per_output, 1.0)[index][:, None]
        return self.predict_reference(latents, timesteps, rows) + (learned * units)[:, :, None, None]


def gaussian_velocity(latents: Tensor, level: Tensor, mean: float, spread: float) -> Tensor:
    """E[noise - x_0 | x_s] of data N(mean, spread^2): both are Gaussian given x_s = (1 - s) x_0 + s noise."""
    level = level.reshape(-1, 1, 1, 1)
    gap = (latents - (1 - level) * mean) / ((1 - level) ** 2 * spread**2 + level**2)
    return level * gap - (mean + (1 - level) * spread**2 * gap)


@cache
def slopes(chain: Chain = CHAIN) -> tuple[Tensor, Tensor]:
    """By how much each step's mean moves with its model's output, and the step's std."""
    one = torch.ones(STEPS, 1, 1, 1)
    mean, std = chain.step(one, 0 * one, torch.arange(STEPS))
    return mean.flatten(), std.flatten()


Toy = ToyPolicy | FlowToy


def linear(latents: Tensor, row: int, seeds: tuple[int, ...]) -> Marks:
    """The reward that is easiest to think about: further along one direction."""
    found = latents.flatten(1) @ TASTE
    return Marks(found, found, float(torch.pdist(latents.flatten(1)).mean()))


def session(policy: Toy, recipe: Recipe, plan: TrainPlan, reward: Reward = linear) -> OnPolicySession:
    parameters = {"shift": policy.shift, "matrix": policy.matrix}
    state = state_of(parameters, plan, ["toy"], "cpu")
    return OnPolicySession(policy, policy.chain, reward, 1, recipe, plan, state)


def trained(
    recipe: Recipe, plan: TrainPlan, reward: Reward = linear, policy: Toy | None = None, path: Path | None = None
) -> tuple[Toy, list[TrainStep]]:
    policy = policy or ToyPolicy()
    return policy, list(train_on_policy(session(policy, recipe, plan, reward), path))
