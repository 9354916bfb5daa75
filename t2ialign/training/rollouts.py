"""Pictures that a policy draws while it trains: every step that it took, and how likely the step was.

A run's steps are a Markov chain of Gaussians (``chains``), so that the likelihood of each is exact. Log-probabilities are means
over the latents' elements, as DDPO, D3PO and SPO take them; ``d`` times that is the log-density of the whole latent. What
chance decides comes from a seed for each picture alone, on the CPU: the same on any device, however many are drawn together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int, Num
from torch import Tensor

from t2ialign.diffusion.denoise import initial_noise
from t2ialign.diffusion.noise import gaussian_log_prob
from t2ialign.training.chains import Chain


@runtime_checkable
class Policy(Protocol):
    """A model that draws: what it, or its reference, puts out (guided) for each picture's latents, as its chain reads it.

    That is the noise that it sees, of a flow the velocity. ``rows`` says which prompt each picture is of. Gradients flow
    through the policy's side alone.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def device(self) -> str: ...

    def predict(
        self, latents: Float[Tensor, "n c h w"], timesteps: Num[Tensor, " n"], rows: Int[Tensor, " n"]
    ) -> Float[Tensor, "n c h w"]: ...

    def predict_reference(
        self, latents: Float[Tensor, "n c h w"], timesteps: Num[Tensor, " n"], rows: Int[Tensor, " n"]
    ) -> Float[Tensor, "n c h w"]: ...


@dataclass(frozen=True)
class Marks:
    """What the pictures of one group are worth: ``reward`` is what is learned from, and may hold a share of diversity.

    ``plain`` is the reward without it, ``diversity`` that of the group as a set (NaN = not measured).
    """

    reward: Float[Tensor, " n"]
    plain: Float[Tensor, " n"]
    diversity: float = float("nan")

    def first(self, count: int) -> Marks:
        """Those of the first pictures; the diversity stays that of the whole set."""
        return Marks(self.reward[:count], self.plain[:count], self.diversity)


Reward = Callable[[Tensor, int, tuple[int, ...]], Marks]
"""From the latents of one prompt's pictures [n c h w], the prompt's row and the pictures' seeds to their marks."""


@runtime_checkable
class JudgesSteps(Protocol):
    """A reward that knows how far a picture is."""

    def at(self, latents: Float[Tensor, "n c h w"], row: int, seeds: tuple[int, ...], timestep: int) -> Marks:
        """The marks of pictures that the step at ``timestep`` sees; 0: they are finished."""


@dataclass(frozen=True)
class Paths:
    """The way of ``n`` pictures from noise to picture, under the policy as it was."""

    latents: Float[Tensor, "steps n c h w"]
    log_probs: Float[Tensor, "transitions n"]


@dataclass(frozen=True)
class Replay:
    """``n`` examples of ``k`` transitions each: 2 in pairs, the better one first, else 1.

    ``before`` has one picture an example where both transitions of a pair start at it. ``index`` is the chain's step,
    ``rows`` the prompt; ``log_prob`` that under the policy which drew them; ``weights`` the advantage, or a pair's share.
    """

    before: Float[Tensor, "n s c h w"]
    after: Float[Tensor, "n k c h w"]
    index: Int[Tensor, " n"]
    rows: Int[Tensor, " n"]
    log_prob: Float[Tensor, "n k"]
    weights: Float[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.weights)

    def take(self, chosen: Int[Tensor, " b"]) -> Replay:
        parts = (self.before, self.after, self.index, self.rows, self.log_prob, self.weights)
        return Replay(*(part[chosen] for part in parts))


def picture_seed(seed: int, step: int, *which: int) -> int:
    """The seed of one picture of a step: it depends on nothing else."""
    text = repr((seed, step, *which)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:7], "big")


@torch.no_grad()
def walk(
    policy: Policy, chain: Chain, row: int, seeds: Sequence[int], start: Float[Tensor, "n c h w"] | None = None
) -> Paths:
    """Draws a picture a seed of one prompt; ``start`` is the noise to begin with where it is not each picture's own."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    own = initial_noise(_three(policy.shape), generators)
    latents = (own if start is None else start).to(policy.device)
    rows = torch.full((len(seeds),), row, device=policy.device)
    path, log_probs = [latents], []
    for index, timestep in enumerate(chain.timesteps):
        at = torch.full_like(rows, index)
        mean, std = chain.step(policy.predict(latents, timestep.expand(len(seeds)), rows), latents, at)
        latents = mean + std * initial_noise(_three(policy.shape), generators).to(mean)
        path.append(latents)
        log_probs.append(gaussian_log_prob(latents, mean, std))
    return Paths(torch.stack(path), torch.stack(log_probs))


def _three(shape: tuple[int, ...]) -> tuple[int, int, int]:
    channels, height, width = shape
    return channels, height, width
