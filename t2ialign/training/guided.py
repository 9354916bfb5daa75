"""A backbone as a policy that draws: its noise under plain guidance, with its adapter and without."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from t2ialign.diffusion.adapters import reference
from t2ialign.diffusion.backbone import DTYPES, Backbone
from t2ialign.diffusion.noise import root
from t2ialign.diffusion.text import stack
from t2ialign.training.data import PromptTable
from t2ialign.training.evaluate import alpha_bars
from t2ialign.training.plan import Precision


@dataclass(frozen=True)
class GuidedPolicy:
    """``prompts`` has a row a prompt, ``rows`` of every call say which; ``schedule`` is the signal at every timestep.

    Gradients flow through both sides of guidance, as in DDPO, DPOK, D3PO and SPO.
    """

    view: Backbone
    prompts: PromptTable
    guidance_scale: float
    schedule: Float[Tensor, " t"]
    precision: Precision = "float32"

    @property
    def shape(self) -> tuple[int, ...]:
        size = self.view.entry.size
        return self.view.latent_shape(size, size)

    @property
    def device(self) -> str:
        return self.view.device

    def noise(
        self, latents: Float[Tensor, "n c h w"], timesteps: Int[Tensor, " n"], rows: Int[Tensor, " n"]
    ) -> Float[Tensor, "n c h w"]:
        """Noise that the view sees; velocities are turned into noise."""
        output = self._guided(latents, timesteps, rows)
        if self.view.prediction == "epsilon":
            return output
        bars = self.schedule[timesteps][:, None, None, None]
        return root(bars) * output + root(1 - bars) * latents

    def reference_noise(
        self, latents: Float[Tensor, "n c h w"], timesteps: Int[Tensor, " n"], rows: Int[Tensor, " n"]
    ) -> Float[Tensor, "n c h w"]:
        """The same of the base."""
        with torch.no_grad(), reference(self.view):
            return self.noise(latents, timesteps, rows)

    def _guided(self, latents: Tensor, timesteps: Tensor, rows: Tensor) -> Tensor:
        device, scale, known = self.view.device, self.guidance_scale, rows.cpu()
        nobody = torch.zeros_like(known, dtype=torch.bool)
        prompt = self.prompts.take(known, nobody).to(device)
        with torch.autocast(torch.device(device).type, DTYPES[self.precision], enabled=self.precision != "float32"):
            if scale == 1:
                return self.view.predict_noise(latents, timesteps, prompt)
            both = stack([self.prompts.take(known, ~nobody).to(device), prompt])
            uncond, cond = self.view.predict_noise(latents.repeat(2, 1, 1, 1), timesteps.repeat(2), both).chunk(2)
        return uncond + scale * (cond - uncond)


def guided_policy(view: Backbone, prompts: PromptTable, guidance_scale: float, precision: Precision) -> GuidedPolicy:
    return GuidedPolicy(view, prompts, guidance_scale, alpha_bars(view), precision)
