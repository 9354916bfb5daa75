"""Diffusers' schedulers on a backbone's own noise schedule, a new instance for every run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.samplers import SchedulerChoice, check_scheduler


@dataclass(frozen=True)
class SchedulerRun:
    """One run through the timesteps, from noise to picture. Multistep schedulers remember: never use a run twice.

    Of a ``flow`` the mixture is (1 - s) x_0 + s noise at the scheduler's levels s, and nothing is drawn on the way.
    """

    scheduler: Any
    choice: SchedulerChoice
    flow: bool = False

    @property
    def timesteps(self) -> Tensor:
        timesteps: Tensor = self.scheduler.timesteps
        return timesteps

    @property
    def train_timesteps(self) -> int:
        return int(self.scheduler.config.num_train_timesteps)

    def alpha_bar(self, index: int) -> float:
        """Share of signal at step ``index``, in the scale of the model's input; of a flow 1 - s."""
        if self.flow:
            return 1 - float(self.scheduler.sigmas[index])
        if self.choice.sigmas:
            return 1 / (1 + float(self.scheduler.sigmas[index]) ** 2)
        return float(self.scheduler.alphas_cumprod[int(self.timesteps[index])])

    def start(self, noise: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The latents that a run starts from."""
        return noise if self.flow else noise * self.scheduler.init_noise_sigma

    def model_input(self, latents: Float[Tensor, "n c h w"], timestep: Tensor) -> Float[Tensor, "n c h w"]:
        """The latents as the network reads them."""
        return latents if self.flow else self.scheduler.scale_model_input(latents, timestep)

    def beta(self, index: int) -> float:
        """Variance that the forward process adds at the (nearest) timestep of step ``index``."""
        return float(self.scheduler.betas[round(float(self.timesteps[index]))])

    def step(
        self,
        model_output: Float[Tensor, "n c h w"],
        timestep: Tensor,
        latents: Float[Tensor, "n c h w"],
        generators: list[torch.Generator],
    ) -> Float[Tensor, "n c h w"]:
        """x_(t-1); what noise a step adds is drawn from each picture's own generator."""
        extra = {"generator": generators} if self.choice.generator and not self.flow else {}
        previous: Tensor = self.scheduler.step(model_output, timestep, latents, **extra, return_dict=False)[0]
        return previous


def stock_class(choice: SchedulerChoice) -> Any:
    """Diffusers' class behind an entry of the menu."""
    import diffusers

    return getattr(diffusers, choice.stock)


def begin_run(config: Mapping[str, Any], name: str, num_inference_steps: int, device: str) -> SchedulerRun:
    """A fresh scheduler ``name`` on the noise schedule ``config`` of a backbone, ready for its first step."""
    choice = check_scheduler(name, num_inference_steps)
    bounds = {} if choice.sigmas else {"clip_sample": False}  # latents are not bounded, as pixels are
    config = {**config, **bounds}
    scheduler = stock_class(choice).from_config(config)
    scheduler.set_timesteps(num_inference_steps, device=device)
    if num_inference_steps > config["num_train_timesteps"] / 4 and not _sound(scheduler.timesteps, config):
        scheduler = stock_class(choice).from_config({**config, "timestep_spacing": "trailing"})
        scheduler.set_timesteps(num_inference_steps, device=device)
    if choice.sigmas:
        scheduler.set_begin_index(0)
    return SchedulerRun(scheduler, choice)


def _sound(timesteps: Tensor, config: Mapping[str, Any]) -> bool:
    """Whether a run starts near noise and never stands still; with very many steps whole-numbered strides may not."""
    last = config["num_train_timesteps"]
    return bool(0.8 * last <= timesteps[0] < last and (timesteps.diff() < 0).all())
