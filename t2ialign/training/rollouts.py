"""Pictures that a policy draws while it trains: every step that it took, and how likely the step was.

A chain of DDIM steps with eta 1 is a Markov chain of Gaussians (Song et al. 2021, eq. 12 and 16), so that the likelihood of
each step is exact. Log-probabilities are means over the latents' elements, as DDPO, D3PO and SPO take them; ``d`` times that
is the log-density of the whole latent. What chance decides comes from a seed for each picture alone, on the CPU: the
same on any device, however many are drawn together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from t2ialign.diffusion.backbone import Backbone
from t2ialign.diffusion.denoise import initial_noise
from t2ialign.diffusion.noise import ddim_step, gaussian_log_prob
from t2ialign.diffusion.schedulers import begin_run
from t2ialign.types import InputError

IN_MEMORY = 2**30  # bytes of stored latents beyond which they lie on disk


@dataclass(frozen=True)
class Chain:
    """The steps of a run: timesteps, and the share of signal at each and after it.

    ``noisy`` is the number of steps that add noise, from the first on: a last one without has no density to learn from.
    """

    timesteps: Int[Tensor, " t"]
    alpha_bars: Float[Tensor, " t"]
    alpha_bars_after: Float[Tensor, " t"]
    eta: float = 1.0

    @property
    def noisy(self) -> int:
        return int((self.alpha_bars_after < 1).sum()) if self.eta > 0 else 0

    @property
    def noise_share(self) -> Float[Tensor, " t"]:
        """How much noise each noisy step adds, their mean 1."""
        steps = torch.arange(self.noisy, device=self.alpha_bars.device)
        nothing = torch.zeros(self.noisy, 1, 1, 1, device=steps.device)
        std = self.step(nothing, nothing, steps)[1].flatten()
        return std / std.mean()

    def step(
        self, noise: Float[Tensor, "n c h w"], latents: Float[Tensor, "n c h w"], index: Int[Tensor, " n"]
    ) -> tuple[Float[Tensor, "n c h w"], Float[Tensor, "n 1 1 1"]]:
        """Mean and standard deviation of x_(t-1), given the noise that is seen in x_t; ``index`` counts the chain's steps."""
        now, after = (bars[index][:, None, None, None] for bars in (self.alpha_bars, self.alpha_bars_after))
        mean, std = ddim_step(noise, latents, now, after, self.eta)
        return mean, torch.as_tensor(std)


def chain_of(backbone: Backbone, steps: int, eta: float = 1.0) -> Chain:
    """The DDIM steps of a backbone, as diffusers' scheduler takes them. ``InputError`` for one that has none."""
    if backbone.prediction not in ("epsilon", "v_prediction"):
        raise InputError(
            f"{backbone.entry.name} is no model of DDIM steps, on which methods that draw while they train stand: train it "
            "from pairs, from likes or on its own pictures."
        )
    scheduler = begin_run(backbone.scheduler_config, "ddim", steps, backbone.device).scheduler
    timesteps = scheduler.timesteps.long()
    before = timesteps - scheduler.config.num_train_timesteps // steps
    bars = scheduler.alphas_cumprod.to(backbone.device)
    last = scheduler.final_alpha_cumprod.to(bars)
    return Chain(timesteps, bars[timesteps], torch.where(before >= 0, bars[before.clamp(min=0)], last), eta)


@runtime_checkable
class Policy(Protocol):
    """A model that draws: the (guided) noise that it, or its reference, sees in each picture's latents.

    ``rows`` says which prompt each picture is of. Gradients flow through the policy's noise alone.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def device(self) -> str: ...

    def noise(
        self, latents: Float[Tensor, "n c h w"], timesteps: Int[Tensor, " n"], rows: Int[Tensor, " n"]
    ) -> Float[Tensor, "n c h w"]: ...

    def reference_noise(
        self, latents: Float[Tensor, "n c h w"], timesteps: Int[Tensor, " n"], rows: Int[Tensor, " n"]
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
        mean, std = chain.step(policy.noise(latents, timestep.expand(len(seeds)), rows), latents, at)
        latents = mean + std * initial_noise(_three(policy.shape), generators).to(mean)
        path.append(latents)
        log_probs.append(gaussian_log_prob(latents, mean, std))
    return Paths(torch.stack(path), torch.stack(log_probs))


def kept(parts: Sequence[Tensor], folder: Path | None, name: str) -> Tensor:
    """The parts as one tensor on the CPU; beyond ``IN_MEMORY`` bytes in a file of ``folder``, which the system pages in."""
    parts = [part.cpu() for part in parts]
    shape = (sum(len(part) for part in parts), *parts[0].shape[1:])
    count = sum(part.numel() for part in parts)
    if folder is None or 4 * count <= IN_MEMORY:
        return torch.cat(parts)
    folder.mkdir(parents=True, exist_ok=True)
    whole = torch.from_file(str(folder / f"{name}.bin"), shared=True, size=count, dtype=torch.float32).view(shape)
    first = 0
    for part in parts:
        whole[first : first + len(part)] = part
        first += len(part)
    return whole


def _three(shape: tuple[int, ...]) -> tuple[int, int, int]:
    channels, height, width = shape
    return channels, height, width
