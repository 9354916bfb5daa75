"""A backbone as a policy that draws: its predictions under plain guidance, with its adapter and without."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Num
from torch import Tensor

from t2ialign.diffusion.adapters import reference
from t2ialign.diffusion.backbone import DTYPES, Backbone
from t2ialign.diffusion.noise import root
from t2ialign.diffusion.text import PromptEmbeds, stack
from t2ialign.training.data import PromptTable
from t2ialign.training.evaluate import alpha_bars
from t2ialign.training.plan import Precision


@dataclass(frozen=True)
class GuidedPolicy:
    """``prompts`` has a row a prompt, ``rows`` of every call say which; ``schedule`` is the signal at every timestep.

    Gradients flow through both sides of guidance, as in DDPO, DPOK, D3PO and SPO. A network that guides by itself is asked
    for the prompt alone and told the scale, as ``view.embedded_scale`` says. ``nothing`` is what guidance leads away from
    where that is not the table's empty prompt.
    """

    view: Backbone
    prompts: PromptTable
    guidance_scale: float
    schedule: Float[Tensor, " t"]
    precision: Precision = "float32"
    nothing: PromptEmbeds | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        size = self.view.entry.size
        return self.view.latent_shape(size, size)

    @property
    def device(self) -> str:
        return self.view.device

    def predict(
        self, latents: Float[Tensor, "n c h w"], timesteps: Num[Tensor, " n"], rows: Int[Tensor, " n"]
    ) -> Float[Tensor, "n c h w"]:
        """The noise that the view sees, a diffusion's velocities turned into noise; of a flow the velocity."""
        output = self._guided(latents, timesteps, rows)
        if self.view.prediction != "v_prediction":
            return output
        bars = self.schedule[timesteps][:, None, None, None]
        return root(bars) * output + root(1 - bars) * latents

    def predict_reference(
        self, latents: Float[Tensor, "n c h w"], timesteps: Num[Tensor, " n"], rows: Int[Tensor, " n"]
    ) -> Float[Tensor, "n c h w"]:
        """The base's guided prediction: the policy's with its adapter off."""
        with torch.no_grad(), reference(self.view):
            return self.predict(latents, timesteps, rows)

    def _guided(self, latents: Tensor, timesteps: Tensor, rows: Tensor) -> Tensor:
        device, scale, known = self.view.device, self.guidance_scale, rows.cpu()
        prompt = self.prompts.take(known, torch.zeros_like(known, dtype=torch.bool)).to(device)
        with torch.autocast(torch.device(device).type, DTYPES[self.precision], enabled=self.precision != "float32"):
            if scale == 1 or self.view.embedded_scale is not None:
                return self.view.predict_noise(latents, timesteps, prompt)
            uncond, cond = self._both(latents, timesteps, self._without(known).to(device), prompt)
        return uncond + scale * (cond - uncond)

    def _both(
        self, latents: Tensor, timesteps: Tensor, empty: PromptEmbeds, prompt: PromptEmbeds
    ) -> tuple[Tensor, Tensor]:
        """The outputs for no prompt and for the prompt: one evaluation, or two, as the family's pipeline has it."""
        if self.view.entry.family_traits.apart:
            cond = self.view.predict_noise(latents, timesteps, prompt)
            return self.view.predict_noise(latents, timesteps, empty), cond
        both = self.view.predict_noise(latents.repeat(2, 1, 1, 1), timesteps.repeat(2), stack([empty, prompt]))
        uncond, cond = both.chunk(2)
        return uncond, cond

    def _without(self, known: Int[Tensor, " n"]) -> PromptEmbeds:
        """No prompt, as often as there are pictures."""
        if self.nothing is not None:
            return self.nothing.repeat(len(known))
        return self.prompts.take(known, torch.ones_like(known, dtype=torch.bool))


def guided_policy(view: Backbone, prompts: PromptTable, guidance_scale: float, precision: Precision) -> GuidedPolicy:
    """That of a view; ``guidance_scale`` is CFG's, or what the network is told where it has that for an input."""
    nothing = view.encode_prompts([""], negative=True).to("cpu") if view.flow and view.embedded_scale is None else None
    return GuidedPolicy(view.told(guidance_scale), prompts, guidance_scale, alpha_bars(view), precision, nothing)
