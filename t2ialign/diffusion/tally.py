"""Mutual information of picture and prompt as the loop adds it up on its way, for diffusions and for rectified flows.

**Diffusions** (MI-TUNE, eq. 2): the mean over visited steps of kappa_t |e(z_t, prompt) - e(z_t, empty)|^2, and beside it the
value of the paper's published code (no alpha_t, timesteps above 50 only).

**Flows.** The same information of the same channel z_s = (1 - s) x + s noise, by the I-MMSE relation: with
snr = ((1 - s) / s)^2 the integral of |x_0 seen with the prompt - without|^2 / 2 over snr is, in velocities,

    I = int_0^1 (1 - s) / s |v(z_s, prompt) - v(z_s, empty)|^2 ds,

summed over the steps taken with their widths. RFMI (Wang et al. 2025, arXiv:2503.14358), by MI-TUNE's authors, writes the
integrand as v_prompt (v_prompt - v_empty), which has the same mean over prompts and may be below 0 for one picture. Their
published code puts the guided velocity for v_prompt, looks at 0.05 < s < 1 and takes the plain mean over the steps: that
is the released value.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.diffusion.noise import Prediction, epsilon_gap, kappa, kappa_released
from t2ialign.diffusion.schedulers import SchedulerRun

RELEASED_ABOVE = 50  # MI-TUNE's published code leaves out timesteps up to here, where kappa grows without bound
RELEASED_LEVELS = (0.05, 1.0)  # RFMI's: the noise levels strictly between


class DiffusionTally:
    """What was found on a diffusion over the steps so far, in nats; ``share`` is each latent cell's part of the estimate."""

    def __init__(self, run: SchedulerRun, prediction: Prediction, latents: Float[Tensor, "n c h w"]) -> None:
        self.run, self.prediction = run, prediction
        self._share = self._released = torch.zeros_like(latents[:, 0])
        self.steps = self.released_steps = 0

    def add(self, index: int, cond: Tensor, uncond: Tensor, guided: Tensor) -> None:
        run, alpha_bar, beta = self.run, self.run.alpha_bar(index), self.run.beta(index)
        gap = epsilon_gap(cond, uncond, alpha_bar, self.prediction)
        self.steps += 1
        self._share = self._share + kappa(beta, alpha_bar, run.train_timesteps) * gap
        if run.timesteps[index] > RELEASED_ABOVE:
            self.released_steps += 1
            self._released = self._released + kappa_released(beta, alpha_bar, run.train_timesteps) * gap

    @property
    def share(self) -> Float[Tensor, "n h w"]:
        return self._share / self.steps

    @property
    def estimate(self) -> Float[Tensor, " n"]:
        return self._share.sum((1, 2)) / self.steps

    @property
    def released(self) -> Float[Tensor, " n"]:
        return self._released.sum((1, 2)) / (self.released_steps or float("nan"))


class FlowTally:
    """Mutual information on a rectified flow: the mean over the noise levels so far, in the end the integral."""

    def __init__(self, run: SchedulerRun, latents: Float[Tensor, "n c h w"]) -> None:
        self.run = run
        self._share = torch.zeros_like(latents[:, 0])
        self._released = torch.zeros_like(latents[:, 0, 0, 0])
        self.span, self.released_steps = 0.0, 0

    def add(self, index: int, cond: Tensor, uncond: Tensor, guided: Tensor) -> None:
        level, following = (float(self.run.scheduler.sigmas[step]) for step in (index, index + 1))
        weight = (1 - level) / level
        self.span += level - following
        self._share = self._share + (level - following) * weight * velocity_gap(cond, uncond)
        if RELEASED_LEVELS[0] < level < RELEASED_LEVELS[1]:
            self.released_steps += 1
            self._released = self._released + weight * rfmi_term(guided, uncond)

    @property
    def share(self) -> Float[Tensor, "n h w"]:
        return self._share / self.span

    @property
    def estimate(self) -> Float[Tensor, " n"]:
        return self.share.sum((1, 2))

    @property
    def released(self) -> Float[Tensor, " n"]:
        return self._released / (self.released_steps or float("nan"))


def tally(run: SchedulerRun, prediction: Prediction, latents: Float[Tensor, "n c h w"]) -> DiffusionTally | FlowTally:
    """An empty one for a run of pictures."""
    if run.flow:
        return FlowTally(run, latents)
    return DiffusionTally(run, prediction, latents)


def velocity_gap(cond: Float[Tensor, "n c h w"], uncond: Float[Tensor, "n c h w"]) -> Float[Tensor, "n h w"]:
    """|v(z_s, prompt) - v(z_s, empty)|^2 summed over channels."""
    return (cond.float() - uncond.float()).square().sum(1)


def rfmi_term(velocity: Float[Tensor, "n c h w"], uncond: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
    """RFMI's v (v - v_empty), summed over a picture."""
    return (velocity.float() * (velocity.float() - uncond.float())).sum((1, 2, 3))
