"""Preferences between populations: of a prompt's pictures the more varied half against the other (after PopAlign)."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Int
from torch import Tensor

from t2ialign.training.pairs import pairs_between
from t2ialign.types import InputError, PreferencePair, SeedBatch

SPLITS = 32  # random ways to halve a prompt's pictures; the one whose halves differ most is learned from
FEWEST = 4


def varied_and_alike(
    batch: SeedBatch, value: Callable[[Int[Tensor, " m"]], float], source: str, rng: torch.Generator
) -> list[PreferencePair]:
    """Pairs of one picture of the more varied half and one of the other; none where no split's halves differ.

    ``value`` is the diversity of any of the batch's pictures, by index. Of an odd number the last picture is left out.
    """
    count = len(batch.images)
    if count < FEWEST:
        raise InputError(
            f"Two populations need at least {FEWEST} pictures a prompt, not {count}: set candidates to {FEWEST} or more."
        )
    found, widest = [], 0.0
    for _ in range(SPLITS):
        halves = torch.randperm(count, generator=rng)[: count // 2 * 2].chunk(2)
        gap = value(halves[0]) - value(halves[1])
        if math.isfinite(gap) and abs(gap) > widest:
            varied, alike = halves if gap > 0 else halves[::-1]
            found, widest = list(zip(varied.tolist(), alike.tolist(), strict=True)), abs(gap)
    return pairs_between(batch, found, source)
