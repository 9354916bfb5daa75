"""DPOK's value network: the reward that a step's picture may expect, as the baseline of its advantage.

As in google-research/dpok (``ValueMulti``): latents and prompt through three linear layers whose outputs are scaled by a
number a step and unit, trained at every step of training, before the policy, by the squared distance to the final reward.
The prompt is the mean of its embeddings over the tokens, where the released code has CLIP's text features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import mse_loss, relu

from t2ialign.training.rollouts import Replay

WIDTH = 256


@dataclass(frozen=True)
class CriticPlan:
    """How it learns: ``updates`` of AdamW a step of training, each on ``batch`` transitions that the step drew."""

    updates: int = 5
    batch: int = 256
    learning_rate: float = 1e-4


class _StepLinear(nn.Module):
    """A linear layer whose outputs are scaled by a number of each step's own."""

    def __init__(self, inputs: int, outputs: int, steps: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.scale = nn.Embedding(steps, outputs)
        nn.init.xavier_normal_(self.linear.weight)
        nn.init.uniform_(self.scale.weight)

    def forward(self, rows: Tensor, index: Tensor) -> Tensor:
        found: Tensor = self.scale(index) * self.linear(rows)
        return found


class ValueNetwork(nn.Module):
    """From latents, prompts and the chain's steps to expected rewards."""

    def __init__(self, latents: int, prompt: int, steps: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_StepLinear(inputs, WIDTH, steps) for inputs in (latents + prompt, WIDTH, WIDTH))
        self.last = nn.Linear(WIDTH, 1)
        nn.init.xavier_normal_(self.last.weight)

    def forward(
        self, latents: Float[Tensor, "n c h w"], prompts: Float[Tensor, "n d"], index: Int[Tensor, " n"]
    ) -> Float[Tensor, " n"]:
        rows = torch.cat([latents.flatten(1), prompts], 1)
        for layer in self.layers:
            rows = relu(layer(rows, index))
        found: Tensor = self.last(rows)
        return found[:, 0]


@dataclass(frozen=True)
class Critic:
    """A value network in training; ``prompts`` has a row a prompt."""

    network: ValueNetwork
    optimizer: torch.optim.Optimizer
    prompts: Float[Tensor, "p d"]
    plan: CriticPlan

    def judged(self, replay: Replay, seed: int) -> Replay:
        """Learns from the transitions, whose weights are rewards, and returns them with advantages for weights.

        Those whose reward is unknown teach neither; where all are, nothing does.
        """
        known = replay.weights.isfinite().nonzero().flatten()
        if not len(known):
            return replace(replay, weights=torch.zeros_like(replay.weights))
        replay = replay.take(known)
        rng = torch.Generator().manual_seed(seed)
        for _ in range(self.plan.updates):
            chosen = torch.randperm(len(replay), generator=rng)[: self.plan.batch]
            part = replay.take(chosen)
            loss = mse_loss(self._values(part), part.weights.to(self.prompts))
            self.optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            self.optimizer.step()
        with torch.no_grad():
            advantages = replay.weights - self._values(replay).to(replay.weights)
        return replace(replay, weights=advantages)

    def _values(self, replay: Replay) -> Float[Tensor, " n"]:
        device = self.prompts.device
        found: Tensor = self.network(
            replay.before[:, 0].to(device).float(), self.prompts[replay.rows.to(device)], replay.index.to(device)
        )
        return found

    def state_dict(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self.network.load_state_dict(saved["network"])
        self.optimizer.load_state_dict(saved["optimizer"])


def critic_of(plan: CriticPlan, shape: tuple[int, ...], prompts: Float[Tensor, "p d"], steps: int, seed: int) -> Critic:
    """A fresh one; its first weights come from the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ValueNetwork(torch.Size(shape).numel(), prompts.shape[1], steps)
    network.to(prompts.device)
    return Critic(network, torch.optim.AdamW(network.parameters(), lr=plan.learning_rate), prompts.float(), plan)
