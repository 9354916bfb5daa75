"""The steps of a run as a Markov chain of Gaussians: DDIM's of a diffusion, those of a flow's SDE.

A chain reads what a model puts out at a step: of a diffusion the noise, of a flow the velocity. Everything above asks for the
mean and the spread of a step, and is the same for both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int, Num
from torch import Tensor

from t2ialign.diffusion.backbone import Backbone
from t2ialign.diffusion.noise import add_noise, ddim_step, flow_spread, flow_step, predicted_x0
from t2ialign.diffusion.schedulers import begin_run
from t2ialign.types import InputError

Sde = Literal["flow_grpo", "dance_grpo"]
SDES: dict[str, Sde] = {"flow_grpo": "flow_grpo", "dance_grpo": "dance_grpo"}


@runtime_checkable
class Chain(Protocol):
    """``timesteps`` are what the model is told at each step; the first ``noisy`` steps add noise.

    A step that adds none has no density to learn from.
    """

    @property
    def timesteps(self) -> Num[Tensor, " t"]: ...

    @property
    def noisy(self) -> int: ...

    def step(
        self, output: Float[Tensor, "n c h w"], latents: Float[Tensor, "n c h w"], index: Int[Tensor, " n"]
    ) -> tuple[Float[Tensor, "n c h w"], Float[Tensor, "n 1 1 1"]]:
        """Mean and standard deviation of what follows x_t, given the model's output at it; ``index`` counts the steps."""

    def picture(
        self, output: Float[Tensor, "n c h w"], latents: Float[Tensor, "n c h w"], index: int
    ) -> Float[Tensor, "n c h w"]:
        """The finished picture that a step sees in x_t."""

    def noised(
        self, picture: Float[Tensor, "n c h w"], noise: Float[Tensor, "n c h w"], index: int
    ) -> Float[Tensor, "n c h w"]:
        """A finished picture as noisy as a step's x_t."""

    def in_full(self) -> Chain:
        """These steps as if each added its noise (eta 1)."""


def noise_share(chain: Chain) -> Float[Tensor, " t"]:
    """How much noise each noisy step adds, their mean 1."""
    steps = torch.arange(chain.noisy, device=chain.timesteps.device)
    nothing = torch.zeros(chain.noisy, 1, 1, 1, device=steps.device)
    std = chain.step(nothing, nothing, steps)[1].flatten()
    return std / std.mean()


@dataclass(frozen=True)
class DdimChain:
    """DDIM's steps (Song et al. 2021, eq. 12 and 16): the share of signal at each and after it; its outputs are noise."""

    timesteps: Int[Tensor, " t"]
    alpha_bars: Float[Tensor, " t"]
    alpha_bars_after: Float[Tensor, " t"]
    eta: float = 1.0

    @property
    def noisy(self) -> int:
        return int((self.alpha_bars_after < 1).sum()) if self.eta > 0 else 0

    def step(
        self, output: Float[Tensor, "n c h w"], latents: Float[Tensor, "n c h w"], index: Int[Tensor, " n"]
    ) -> tuple[Float[Tensor, "n c h w"], Float[Tensor, "n 1 1 1"]]:
        """Mean and standard deviation of x_(t-1)."""
        now, after = (bars[index][:, None, None, None] for bars in (self.alpha_bars, self.alpha_bars_after))
        mean, std = ddim_step(output, latents, now, after, self.eta)
        return mean, torch.as_tensor(std)

    def picture(
        self, output: Float[Tensor, "n c h w"], latents: Float[Tensor, "n c h w"], index: int
    ) -> Float[Tensor, "n c h w"]:
        """x_0 as the noise has it."""
        return predicted_x0(output, latents, self.alpha_bars[index], "epsilon")

    def noised(
        self, picture: Float[Tensor, "n c h w"], noise: Float[Tensor, "n c h w"], index: int
    ) -> Float[Tensor, "n c h w"]:
        """x_t of the forward process."""
        return add_noise(picture, noise, self.alpha_bars[index], "epsilon")

    def in_full(self) -> DdimChain:
        """DDPM's noise."""
        return replace(self, eta=1.0)


@dataclass(frozen=True)
class FlowChain:
    """Steps of the SDE of a rectified flow, from noise level 1 to 0; its outputs are velocities.

    How fast noise is added is ``noise_level`` times sqrt(s / (1 - s)) at level s (``flow_grpo``, Liu et al. 2025), or
    ``noise_level`` at all of them (``dance_grpo``, Xue et al. 2025), and ``eta`` times that; 0 leaves the ODE by Euler's steps.
    The last step, to level 0, adds none but ``to_the_end``: neither paper's code learns from it, and DanceGRPO's takes the
    picture that it sees.
    """

    timesteps: Float[Tensor, " t"]
    levels: Float[Tensor, " t"]
    levels_after: Float[Tensor, " t"]
    noise_level: float = 0.7
    sde: Sde = "flow_grpo"
    eta: float = 1.0
    to_the_end: bool = False

    @property
    def noisy(self) -> int:
        return int(self._adds.sum()) if self.eta * self.noise_level > 0 else 0

    @property
    def _adds(self) -> Bool[Tensor, " t"]:
        """Which steps add noise."""
        return self.levels_after > (-1 if self.to_the_end else 0)

    @property
    def spreads(self) -> Float[Tensor, " t"]:
        """How fast each step adds noise."""
        strength = self.eta * self.noise_level
        even = torch.full_like(self.levels, strength)
        found = even if self.sde == "dance_grpo" else flow_spread(self.levels, strength)
        return found.where(self._adds, 0.0)

    def step(
        self, output: Float[Tensor, "n c h w"], latents: Float[Tensor, "n c h w"], index: Int[Tensor, " n"]
    ) -> tuple[Float[Tensor, "n c h w"], Float[Tensor, "n 1 1 1"]]:
        """Mean and standard deviation of x at the next level."""
        parts = (self.levels, self.levels_after, self.spreads)
        now, after, spread = (part[index][:, None, None, None] for part in parts)
        mean, std = flow_step(output, latents, now, after, spread)
        return mean, torch.as_tensor(std)

    def picture(
        self, output: Float[Tensor, "n c h w"], latents: Float[Tensor, "n c h w"], index: int
    ) -> Float[Tensor, "n c h w"]:
        """x_0 as the velocity has it."""
        return predicted_x0(output, latents, 1 - self.levels[index], "flow")

    def noised(
        self, picture: Float[Tensor, "n c h w"], noise: Float[Tensor, "n c h w"], index: int
    ) -> Float[Tensor, "n c h w"]:
        """x_s of the flow's mixture."""
        return add_noise(picture, noise, 1 - self.levels[index], "flow")

    def in_full(self) -> FlowChain:
        """The SDE's own noise, in the last step too."""
        return replace(self, eta=1.0, to_the_end=True)


def chain_of(
    backbone: Backbone, steps: int, eta: float = 1.0, sde: Sde = "flow_grpo", noise_level: float = 0.7
) -> DdimChain | FlowChain:
    """The steps of a backbone, as diffusers' scheduler takes them; ``sde`` and ``noise_level`` are for flows."""
    if not backbone.flow:
        return ddim_chain(backbone, steps, eta)
    size = backbone.entry.size
    run = backbone.begin("ddim", steps, size, size)
    levels = run.scheduler.sigmas.to(backbone.device)
    return FlowChain(run.timesteps, levels[:-1], levels[1:], noise_level, sde, eta)


def ddim_chain(backbone: Backbone, steps: int, eta: float = 1.0) -> DdimChain:
    """The DDIM steps of a diffusion. ``InputError`` for a flow, which has none."""
    if backbone.flow:
        raise InputError(
            f"{backbone.entry.name} is a flow model, and this moves the noise of DDIM's steps: choose a diffusion model, such "
            "as sd-1.5."
        )
    scheduler = begin_run(backbone.scheduler_config, "ddim", steps, backbone.device).scheduler
    timesteps = scheduler.timesteps.long()
    before = timesteps - scheduler.config.num_train_timesteps // steps
    bars = scheduler.alphas_cumprod.to(backbone.device)
    last = scheduler.final_alpha_cumprod.to(bars)
    return DdimChain(timesteps, bars[timesteps], torch.where(before >= 0, bars[before.clamp(min=0)], last), eta)
