"""Semantic-aware guidance (S-CFG, Shen et al. 2024, arXiv:2404.05384): as much guidance in every region.

Attention says which token each part of the picture belongs to. Where the two predictions differ less than over the foreground
guidance is raised, where more it is lowered: rate = mean |d| of the foreground / mean |d| of the token's region, cut to [0.8,
3] and to 15 / guidance_scale, and smoothed. As in the authors' code (SmilesDZgk/S-CFG): cross-attention is spread along
self-attention, (S + 3 S S) / 4, its maps at a quarter and an eighth of the latents' side are smoothed, normalised and added up,
a part belongs to the token with the largest, and to the foreground where without a prompt the first token has not the larger
share. Small models give what they have of a quarter and below, or else their coarsest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, pad

from t2ialign.guidance.needs import AttentionMap, GuidanceStep, Needs
from t2ialign.types import InputError

COARSENESS = 4  # latent cells on a side of the finest cell of attention that is looked at
LIMITS, CAP = (0.8, 3.0), 15.0
TINY = 1e-8


@dataclass(frozen=True)
class SCfg:
    """``guidance_scale`` is the mean strength over the foreground. It has no other parameters."""

    guidance_scale: float = 7.5
    needs: ClassVar[Needs] = Needs(
        attention=True,
        embedded="nothing",
        not_on_flow="it reads where a UNet attends to the prompt, and a transformer reads prompt and picture in one",
    )

    def begin(self) -> SCfg:
        return self

    def guide(self, step: GuidanceStep) -> Float[Tensor, "n c h w"]:
        difference = step.noise_cond - step.noise_uncond
        tokens, foreground = regions(step.attention, (difference.shape[-2], difference.shape[-1]))
        rate = rates(difference, tokens, foreground).clamp(*LIMITS).clamp(max=CAP / max(self.guidance_scale, TINY))
        return step.noise_uncond + self.guidance_scale * smoothed(rate) * difference


def rates(
    difference: Float[Tensor, "n c h w"], tokens: Float[Tensor, "n l h w"], foreground: Float[Tensor, "n 1 h w"]
) -> Float[Tensor, "n 1 h w"]:
    """The foreground's mean strength by that of each token's region, at every cell of the region."""
    strength = difference.norm(dim=1, keepdim=True)
    of_tokens, of_foreground = (
        (strength * mask).sum((2, 3)) / (mask.sum((2, 3)) + TINY) for mask in (tokens, foreground)
    )
    rates: Tensor = ((of_foreground / (of_tokens + TINY))[:, :, None, None] * tokens).sum(1, keepdim=True)
    return rates


def regions(
    attention: Sequence[AttentionMap], size: tuple[int, int]
) -> tuple[Float[Tensor, "n l h w"], Float[Tensor, "n 1 h w"]]:
    """Which token each latent cell belongs to (1 or 0), and whether to the foreground; rows are no prompt's, then the prompt's.

    Raises:
        InputError: the model attends to the prompt at no size that can be used.
    """
    found = [
        (own.probs, said.probs, math.isqrt(said.probs.shape[1] * size[0] // size[1]))  # and the cells along the height
        for own, said in zip(attention, attention[1:], strict=False)
        if said.cross and not own.cross
    ]
    usable = [layer for layer in found if layer[2] > 1]
    if not usable:
        raise InputError("S-CFG needs a model that attends to the prompt, and on a grid of two cells a side at least.")
    coarse = [layer for layer in usable if size[0] >= COARSENESS * layer[2]]
    fit = coarse or [layer for layer in usable if layer[2] == min(side for *_, side in usable)]
    finest = max(side for _, _, side in fit)
    by_token, by_ground = [], []
    for own, said, side in fit:
        spread_out = spread(own, said).reshape(len(said), -1, side, said.shape[1] // side)
        maps = smoothed(interpolated(spread_out, finest / side))
        ground = torch.stack([maps[:, 0], maps[:, 1:].sum(1)], 1)
        by_token.append(maps / (maps.mean((2, 3), keepdim=True) + TINY))
        by_ground.append(ground / ground.mean((2, 3), keepdim=True))
    prompt, empty = torch.stack(by_token).sum(0).chunk(2)[1], torch.stack(by_ground).sum(0).chunk(2)[0]
    tokens = (prompt == prompt.amax(1, keepdim=True)).float()
    foreground = 1 - (empty == empty.amax(1, keepdim=True)).float()[:, :1]
    return interpolate(tokens, size), interpolate(foreground, size)


def spread(own: Float[Tensor, "b q q"], said: Float[Tensor, "b q l"]) -> Float[Tensor, "b l q"]:
    """Attention to the tokens, handed on along what the cells attend to among themselves."""
    return ((own + 3 * own @ own) / 4 @ said).transpose(1, 2)


def interpolated(maps: Float[Tensor, "b l y x"], factor: float) -> Float[Tensor, "b l yy xx"]:
    return maps if factor == 1 else interpolate(maps, scale_factor=factor, mode="bilinear")


def smoothed(maps: Float[Tensor, "b l y x"], sigma: float = 0.5) -> Float[Tensor, "b l y x"]:
    """A Gaussian of 3 by 3 cells over each map, whose edges are mirrored: exp(-d^2 / (2 sigma^2)), adding up to 1."""
    line = torch.tensor([-1.0, 0.0, 1.0], device=maps.device).div(sigma).square().div(-2).exp()
    kernel = torch.outer(line, line)
    flat = pad(maps.flatten(0, 1)[:, None], (1, 1, 1, 1), mode="reflect")
    return conv2d(flat, (kernel / kernel.sum())[None, None]).view_as(maps)
