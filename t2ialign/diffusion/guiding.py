"""The predictions of a step and what the guidance strategy makes of them, with all that a strategy may ask for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.diffusion.adapters import weakened
from t2ialign.diffusion.attention import passing_on, recording
from t2ialign.diffusion.backbone import Backbone
from t2ialign.diffusion.noise import mixture, output_of, predicted_x0
from t2ialign.diffusion.schedulers import SchedulerRun
from t2ialign.diffusion.text import PromptEmbeds, stack
from t2ialign.guidance.needs import (
    AttentionMap,
    Conditions,
    GuidanceStep,
    LatentStep,
    MovesLatents,
    PassesOn,
    PromptAlone,
    PromptReading,
    StepGuidance,
    TellsScale,
    WeighsAdapters,
    no_other,
)
from t2ialign.types import Guidance

ANOTHER_STREAM = 2**40  # added to a seed, for noise that must have nothing to do with that of its latents


@dataclass(frozen=True)
class OtherView:
    """The checkpoint that a strategy names: a view of the same networks, and both prompts as it reads them.

    ``embeds`` are those of no prompt, then those of the prompt, one row each.
    """

    view: Backbone
    embeds: PromptEmbeds

    def repeated(self, count: int) -> OtherView:
        """The same for so many pictures, no prompt's rows first."""
        return replace(self, embeds=stack([half.repeat(count) for half in self.embeds.halves()]))


@dataclass(frozen=True)
class Guiding:
    """A strategy at work on one batch; ``embeds`` are those of no prompt for every picture, then those of the prompt."""

    backbone: Backbone
    guidance: Guidance | StepGuidance
    embeds: PromptEmbeds
    generators: Sequence[torch.Generator]
    reading: PromptReading
    other: OtherView | None = None

    @classmethod
    def of(
        cls,
        backbone: Backbone,
        guidance: Guidance | StepGuidance,
        embeds: PromptEmbeds,
        seeds: Sequence[int],
        reading: PromptReading,
        other: OtherView | None = None,
    ) -> Guiding:
        """What a strategy draws comes from generators of its own, one a picture."""
        generators = [torch.Generator().manual_seed(seed + ANOTHER_STREAM) for seed in seeds]
        return cls(backbone, guidance, embeds, generators, reading, other and other.repeated(len(seeds)))

    def moved(self, latents: Float[Tensor, "n c h w"], run: SchedulerRun, index: int) -> Float[Tensor, "n c h w"]:
        """The latents of a run's step as the strategy wants them before the model predicts; most leave them alone."""
        guidance = self.guidance
        if not isinstance(guidance, MovesLatents):
            return latents
        timestep, prompt = run.timesteps[index], self.embeds.halves()[1]
        view = self.backbone

        def attend(noisy: Tensor) -> tuple[AttentionMap, ...]:
            rows = prompt.take(torch.arange(len(noisy)))
            with view.switch.lock, recording(view.unet, cross_only=True) as maps:
                view.predict_noise(noisy, timestep, rows)
            return tuple(maps)

        scale = run.model_input(torch.ones_like(latents[:1, :1, :1, :1]), timestep)
        noisy = run.model_input(latents, timestep)
        return guidance.move(LatentStep(noisy, index, len(run.timesteps), self.reading, attend)) / scale

    def predictions(
        self, noisy: Float[Tensor, "n c h w"], timestep: Tensor, alpha_bar: float, progress: float
    ) -> tuple[Float[Tensor, "n c h w"], Float[Tensor, "n c h w"], Float[Tensor, "n c h w"]]:
        """The model's outputs for the prompt and for none at z_t = ``noisy``, and the guided one."""
        guidance = self.guidance
        view, said = self.backbone, self.embeds
        if isinstance(guidance, WeighsAdapters):
            view = weakened(view, guidance.adapter_share(progress))
        if isinstance(guidance, Conditions):
            said = self._conditioned(guidance, progress)
        if isinstance(guidance, PromptAlone):
            cond = view.predict_noise(noisy, timestep, said.halves()[1])
            return cond, cond, guidance.alone(cond)
        if not isinstance(guidance, StepGuidance):
            with self._passing_on(view, guidance):
                cond, uncond = self._both(view, noisy, timestep, said)
            return cond, uncond, guidance(cond, uncond, progress)
        attention: Sequence[AttentionMap] = ()
        if guidance.needs.attention:
            with view.switch.lock, recording(view.unet) as attention:
                cond, uncond = self._both(view, noisy, timestep, said)
        else:
            cond, uncond = self._both(view, noisy, timestep, said)
        return cond, uncond, guidance.guide(self._step(cond, uncond, noisy, timestep, alpha_bar, progress, attention))

    @property
    def prompt_alone(self) -> bool:
        """Whether the network guides by itself, so that it is asked for the prompt alone."""
        return self.backbone.embedded_scale is not None and not isinstance(self.guidance, TellsScale)

    @contextmanager
    def _passing_on(self, view: Backbone, guidance: Guidance) -> Iterator[None]:
        """Within it the network passes on of the prompt what the strategy says, if it says so."""
        if not isinstance(guidance, PassesOn):
            yield
            return
        empty, prompt = (half.prompt_embeds for half in self.embeds.halves())
        values = torch.cat([empty, guidance.passes_on(prompt, self.reading)])
        with view.switch.lock, passing_on(view.unet, values):
            yield

    def _both(self, view: Backbone, noisy: Tensor, timestep: Tensor, said: PromptEmbeds) -> tuple[Tensor, Tensor]:
        """The outputs for the prompt and for none: one evaluation, or, as FLUX's pipeline and others have it, two."""
        if not view.entry.family_traits.apart:
            uncond, cond = view.predict_noise(torch.cat([noisy, noisy]), timestep, said).chunk(2)
            return cond, uncond
        empty, prompt = said.halves()
        cond = view.predict_noise(noisy, timestep, prompt)
        return cond, cond if self.prompt_alone else view.predict_noise(noisy, timestep, empty)

    def _conditioned(self, guidance: Conditions, progress: float) -> PromptEmbeds:
        """The embeddings of both prompts of every picture as the strategy has them at this step."""

        def changed(rows: Tensor) -> Tensor:
            drawn = [torch.randn((2, *rows.shape[1:]), generator=generator) for generator in self.generators]
            return guidance.condition(rows, torch.stack(drawn, 1).flatten(0, 1).to(rows), progress)

        tokens, pooled = self.embeds.prompt_embeds, self.embeds.pooled_prompt_embeds
        return replace(
            self.embeds,
            prompt_embeds=changed(tokens),
            pooled_prompt_embeds=None if pooled is None else changed(pooled),
        )

    def _step(
        self,
        cond: Tensor,
        uncond: Tensor,
        noisy: Tensor,
        timestep: Tensor,
        alpha_bar: float,
        progress: float,
        attention: Sequence[AttentionMap],
    ) -> GuidanceStep:
        backbone = self.backbone
        empty, prompt = self.embeds.halves()
        signal, noise = mixture(alpha_bar, backbone.prediction)

        def predict(of_prompt: bool, share: float) -> Tensor:
            said = prompt if of_prompt or self.prompt_alone else empty
            return weakened(backbone, share).predict_noise(noisy, timestep, said)

        def by_other(of_prompt: bool) -> Tensor:
            if self.other is None:
                return no_other(of_prompt)
            return self.other.view.predict_noise(noisy, timestep, self.other.embeds.halves()[of_prompt])

        return GuidanceStep(
            cond,
            uncond,
            progress,
            noisy,
            float(noise / signal) if signal else math.inf,
            lambda output: predicted_x0(output, noisy, alpha_bar, backbone.prediction),
            lambda x0: output_of(x0, noisy, alpha_bar, backbone.prediction),
            predict,
            tuple(attention),
            by_other,
        )
