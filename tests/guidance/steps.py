"""A step of the loop made up of tensors, for strategies of either kind."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from t2ialign.guidance.needs import AttentionMap, GuidanceStep, StepGuidance


def step_of(
    cond: Tensor,
    uncond: Tensor,
    progress: float = 0.5,
    weak: tuple[Tensor, Tensor] | None = None,
    alpha_bar: float = 0.6,
) -> GuidanceStep:
    """Of an epsilon model at z_t = cond; ``weak`` are the base's predictions for the prompt and for none (else the same)."""
    latents = cond
    signal, noise = alpha_bar**0.5, (1 - alpha_bar) ** 0.5
    base = {True: cond, False: uncond} if weak is None else {True: weak[0], False: weak[1]}
    return GuidanceStep(
        cond,
        uncond,
        progress,
        latents,
        noise / signal,
        lambda output: (latents - noise * output) / signal,
        lambda x0: (latents - signal * x0) / noise,
        lambda of_prompt, share: base[of_prompt],
        attention_of(cond),
    )


def attention_of(cond: Tensor, tokens: int = 5) -> tuple[AttentionMap, ...]:
    """Of one layer that attends at a quarter of the latents' side; a picture's depends on the picture alone."""
    cells = max(cond.shape[-1] * cond.shape[-2] // 16, 1)
    rows = torch.cat([cond, -cond]).flatten(1)
    rows = rows.repeat(1, 16)  # of a picture of one number, too, there are enough
    own, said = (rows[:, : cells * keys].reshape(-1, cells, keys).softmax(-1) for keys in (cells, tokens))
    return AttentionMap(False, own), AttentionMap(True, said)


def guided(strategy: Any, cond: Tensor, uncond: Tensor, progress: float = 0.5) -> Tensor:
    """The guided prediction of one step, whichever kind of strategy it is."""
    if isinstance(strategy, StepGuidance):
        return strategy.guide(step_of(cond, uncond, progress))
    return strategy(cond, uncond, progress)
