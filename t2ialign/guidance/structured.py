"""Structured diffusion guidance (Feng et al. 2023, arXiv:2212.05032): each noun phrase is also read by itself.

A text encoder lets a colour leak to the next noun. So the prompt is encoded once whole and once for each noun phrase, whose
tokens then stand in the whole prompt's as the encoder read them alone. Cross-attention looks by the whole prompt (keys) and
passes on the mean of all of these (values), as in the authors' code (weixi-feng/Structured-Diffusion-Guidance), where it is
the mean of the attentions' outputs, which is the same. There a parser finds nested phrases; here the lowest are found, by spaCy
where it is installed, else by a rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.guidance.needs import Needs, PromptReading


@dataclass(frozen=True)
class Structured:
    """``guidance_scale`` as in plain guidance. ``reader``: who finds the phrases; "" is the best that is installed."""

    guidance_scale: float = 7.5
    reader: str = ""
    needs: ClassVar[Needs] = Needs(
        information=False,
        phrases=True,
        reader="reader",
        not_on_flow="it changes what a UNet's cross-attention passes on, and a transformer reads prompt and picture in one",
    )

    def begin(self) -> Structured:
        return self

    def passes_on(self, embeds: Float[Tensor, "n l d"], reading: PromptReading) -> Float[Tensor, "n l d"]:
        """The mean of the prompt's embeddings with, in turn, each phrase of several tokens in its place as it is alone."""
        versions = [embeds]
        for phrase in reading.phrases:
            if len(phrase.tokens) > 1:
                changed = embeds.clone()
                changed[:, phrase.start : phrase.start + len(phrase.tokens)] = phrase.tokens.to(embeds)
                versions.append(changed)
        return embeds if len(versions) == 1 else torch.stack(versions).mean(0)

    def __call__(
        self, noise_cond: Float[Tensor, "n c h w"], noise_uncond: Float[Tensor, "n c h w"], progress: float
    ) -> Float[Tensor, "n c h w"]:
        return noise_uncond + self.guidance_scale * (noise_cond - noise_uncond)
