"""A model's output seen with the base's own eyes: one step less noisy, through the UNet's encoder (NCPPO)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from t2ialign.diffusion.backbone import Backbone
from t2ialign.diffusion.noise import ddim_step, root
from t2ialign.diffusion.text import PromptEmbeds
from t2ialign.diffusion.unet_encoder import encoder_states


@dataclass(frozen=True)
class Perception:
    """x_(t-1) as an output says, by one step of DDPM, and the encoder's states there.

    The step's own noise is the same whatever the output, so that it moves the place that is looked at and no difference; it is
    the batch's noise turned over, which needs no further draw.
    """

    view: Backbone
    noisy: Float[Tensor, "n c h w"]
    noise: Float[Tensor, "n c h w"]
    timesteps: Int[Tensor, " n"]
    schedule: Float[Tensor, " t"]
    embeds: PromptEmbeds

    def __call__(self, output: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d hh ww"]:
        now = self.schedule[self.timesteps][:, None, None, None]
        before = (self.timesteps - 1).clamp(min=0)
        after = torch.where(self.timesteps > 0, self.schedule[before], 1.0)[:, None, None, None]
        output = output.float()
        noise = root(now) * output + root(1 - now) * self.noisy if self.view.prediction == "v_prediction" else output
        mean, std = ddim_step(noise, self.noisy, now, after)
        return encoder_states(self.view, mean + std * self.noise.flip(-1, -2), before, self.embeds)
