"""Self-selected sets: the pictures of a prompt that a measure likes best, weighted or mixed with given ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.types import Example, InputError, PreferencePair, SeedBatch


def top_k(batch: SeedBatch, values: Float[Tensor, " n"], k: int) -> list[Example]:
    """The ``k`` pictures of highest value (MI-TUNE, algorithm 1, line 8); those without a value are never chosen."""
    order = torch.argsort(values.nan_to_num(nan=float("-inf")), descending=True, stable=True)[:k]
    chosen = [index for index in order.tolist() if not values[index].isnan()]
    return [Example(batch.prompt, batch.images[index]) for index in chosen]


def above(batch: SeedBatch, rewards: Float[Tensor, " n"], threshold: float) -> list[Example]:
    """The pictures whose reward exceeds the threshold, weighted by their reward (GORS, T2I-CompBench, section 5)."""
    kept = (rewards > threshold).nonzero().flatten().tolist()
    return [Example(batch.prompt, batch.images[index], float(rewards[index])) for index in kept]


def mixed(selected: Sequence[Example], given: Sequence[Example], share: float, rng: torch.Generator) -> list[Example]:
    """As many examples as ``selected``, a ``share`` of them drawn from ``given`` (MI-TUNE, table 3: real pictures)."""
    count = min(len(given), round(share * len(selected)))
    ours = torch.randperm(len(selected), generator=rng)[: len(selected) - count].tolist()
    theirs = torch.randperm(len(given), generator=rng)[:count].tolist()
    return [selected[index] for index in sorted(ours)] + [given[index] for index in sorted(theirs)]


def liked_and_disliked(pairs: Iterable[PreferencePair]) -> list[Example]:
    """Every pair as one liked and one disliked picture (Diffusion-KTO)."""
    return [
        Example(pair.prompt, picture, pair.weight, liked, key, pair.votes)
        for pair in pairs
        for picture, liked, key in ((pair.win, True, pair.win_key), (pair.lose, False, pair.lose_key))
    ]


def shared_out(examples: Sequence[Example], liked_share: float, rng: torch.Generator) -> list[Example]:
    """The examples, of which the side that is too common is thinned until the liked ones have ``liked_share``.

    Where one side is missing there is no share to reach, and all of them stay.
    """
    liked = [one for one in examples if one.desirable]
    disliked = [one for one in examples if not one.desirable]
    if not liked or not disliked:
        return list(examples)
    odds = liked_share / (1 - liked_share)
    if len(liked) > odds * len(disliked):
        return _some(liked, odds * len(disliked), rng) + disliked
    return liked + _some(disliked, len(liked) / odds, rng)


def _some(examples: list[Example], count: float, rng: torch.Generator) -> list[Example]:
    order = torch.randperm(len(examples), generator=rng)[: max(1, round(count))]
    return [examples[index] for index in sorted(order.tolist())]


def checked_examples(examples: Sequence[Example], size: int, why: str) -> list[Example]:
    """The examples, if there are any and all have pictures of ``size`` pixels."""
    if not examples:
        raise InputError(f"There is no picture to learn from: {why}.")
    for example in examples:
        height, width = example.picture.shape[-2:]
        if (height, width) != (size, size):
            raise InputError(
                f"A picture of '{example.prompt.text[:60]}' has {width} x {height} pixels, and this backbone makes "
                f"{size} x {size}: give pictures of that size."
            )
    return list(examples)
