"""Attend-and-Excite (Chefer et al. 2023, arXiv:2301.13826): the latents move until every named thing is attended to.

Before a step's predictions each picture's z_t moves down the gradient of max over the things of 1 - the largest attention
that any part of the picture pays to the thing's token. As in the authors' code: attention is the mean of all heads at a
quarter of the latents' side, sharpened by a softmax of a hundred times itself over the tokens but the first and the last,
and smoothed; the step is step_size sqrt(1 - progress / 2) over the steps, for the first half of them; and at the start, a
fifth and two fifths of the way it is repeated, up to ``refinements`` times, until the largest attention to every thing has
come to 0.05, 0.5 and 0.8. Models without a quarter give their coarsest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d, pad

from t2ialign.guidance.needs import AttentionMap, LatentStep, Needs
from t2ialign.types import InputError

THRESHOLDS = {0.0: 0.05, 0.2: 0.5, 0.4: 0.8}  # by the share of the steps that are done: 0, 10 and 20 of 50
COARSENESS, SHARPNESS = 4, 100.0


@dataclass(frozen=True)
class AttendExcite:
    """``token1`` to ``token4`` are the tokens of things, counted from 1 as diffusers does; all 0: each noun phrase's last."""

    guidance_scale: float = 7.5
    step_size: float = 20.0
    until: float = 0.5
    refinements: float = 20.0
    token1: float = 0.0
    token2: float = 0.0
    token3: float = 0.0
    token4: float = 0.0
    needs: ClassVar[Needs] = Needs(
        evaluations=3,
        phrases=True,
        besides="One of them with its gradient, for the first half of the steps; three steps may take up to 21 more.",
        small=(("step_size", 0.3),),
        not_on_flow="it moves what a UNet attends to in the prompt, and a transformer reads prompt and picture in one",
    )

    def begin(self) -> AttendExcite:
        if self.step_size < 0 or not 0 <= self.until <= 1:
            raise InputError("Attend-and-Excite needs a step_size that is not negative, and until from 0 to 1.")
        if not (0 <= self.refinements <= 100 and self.refinements == int(self.refinements)):
            raise InputError("Attend-and-Excite's refinements are a whole number from 0 to 100.")
        if any(token < 0 or token != int(token) for token in self._asked()):
            raise InputError(
                "The tokens of Attend-and-Excite are whole numbers: 1 is the prompt's first, 0 means none."
            )
        return self

    def _asked(self) -> tuple[float, ...]:
        return self.token1, self.token2, self.token3, self.token4

    def chosen(self) -> tuple[int, ...]:
        """The tokens that were asked for by number; none, where the prompt's own are meant."""
        return tuple(int(token) for token in self._asked() if token)

    def __call__(
        self, noise_cond: Float[Tensor, "n c h w"], noise_uncond: Float[Tensor, "n c h w"], progress: float
    ) -> Float[Tensor, "n c h w"]:
        return noise_uncond + self.guidance_scale * (noise_cond - noise_uncond)

    def move(self, step: LatentStep) -> Float[Tensor, "n c h w"]:
        """Every picture's latents by themselves, so that none depends on its batch."""
        tokens = self.chosen() or step.reading.things
        threshold = {int(share * step.total): least for share, least in THRESHOLDS.items()}.get(step.index)
        moves = step.index < self.until * step.total
        if not tokens or not (moves or threshold is not None):
            return step.latents
        rows = [self._moved(step, row[None], tokens, threshold, moves) for row in step.latents]
        return torch.cat(rows)

    def _moved(
        self, step: LatentStep, row: Tensor, tokens: Sequence[int], threshold: float | None, moves: bool
    ) -> Float[Tensor, "1 c h w"]:
        size = self.step_size * math.sqrt(1 - 0.5 * step.index / max(step.total - 1, 1))
        row, loss = _seen(step, row, tokens)
        enough = 1.0 if threshold is None else 1 - threshold
        repeats = int(self.refinements) if loss > enough else 0
        for _ in range(repeats):
            last = loss <= enough  # the authors' code takes one more step from where it was enough
            row, loss = _seen(step, _downhill(row, loss, size), tokens)
            if last:
                break
        return (_downhill(row, loss, size) if moves else row).detach()


def _seen(step: LatentStep, row: Tensor, tokens: Sequence[int]) -> tuple[Tensor, Tensor]:
    """A picture's latents, which ask for a gradient, and how far the least attended thing is from being attended to."""
    with torch.enable_grad():
        row = row.detach().requires_grad_()
        return row, (1 - largest(step.attend(row), tokens, (row.shape[-2], row.shape[-1]))).clamp(min=0).max()


def _downhill(row: Tensor, loss: Tensor, size: float) -> Tensor:
    if not loss:
        return row
    return row - size * torch.autograd.grad(loss, row)[0]


def largest(attention: Sequence[AttentionMap], tokens: Sequence[int], size: tuple[int, int]) -> Float[Tensor, " k"]:
    """The largest attention that any part of one picture, whose latents are of that size, pays to each token.

    Raises:
        InputError: the model attends to the prompt nowhere on a grid of two cells a side at least.
    """
    found = [(one.probs, math.isqrt(one.probs.shape[1] * size[0] // size[1])) for one in attention if one.cross]
    usable = [layer for layer in found if layer[1] > 1 and layer[0].shape[1] // layer[1] > 1]
    if not usable:
        raise InputError(
            "Attend-and-Excite needs a model that attends to the prompt, and on a grid of two cells a side at least."
        )
    quarter = [layer for layer in usable if layer[1] == math.ceil(size[0] / COARSENESS)]
    side = (quarter or sorted(usable, key=lambda layer: layer[1]))[0][1]
    mean = torch.stack([probs[0] for probs, own in usable if own == side]).mean(0)
    sharp = (SHARPNESS * mean[:, 1:-1]).softmax(-1)
    maps = sharp[:, [token - 1 for token in tokens]].T.reshape(len(tokens), 1, side, -1)
    return smoothed(maps).flatten(1).max(1).values


def smoothed(maps: Float[Tensor, "k 1 h w"]) -> Float[Tensor, "k 1 h w"]:
    """A 3 x 3 window of exp(-d^2), which is what the authors' code makes of a deviation of 0.5; edges are mirrored."""
    away = torch.tensor([1.0, 0.0, 1.0], device=maps.device)
    window = (-away[:, None] - away[None]).exp()
    return conv2d(pad(maps, (1, 1, 1, 1), mode="reflect"), (window / window.sum()).to(maps)[None, None])
