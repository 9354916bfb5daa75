"""Preference pairs judged by utilities: a rater's, or a metric's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.types import InputError, PreferencePair, SeedBatch, image_key


def judged(
    batch: SeedBatch, utilities: Float[Tensor, " n"], count: int, source: str, rng: torch.Generator
) -> list[PreferencePair]:
    """``count`` random pairs of a batch's pictures, each won with Bradley-Terry's chance sigmoid(u_i - u_j).

    Noise makes even equal pictures a preference, as with people; pictures without a utility (NaN) are left out.
    """
    known = (~utilities.isnan()).nonzero().flatten()
    first, second = torch.combinations(known).unbind(1) if len(known) > 1 else (known[:0], known[:0])
    order = torch.randperm(len(first), generator=rng)[:count]
    first, second = first[order], second[order]
    wins = torch.bernoulli(torch.sigmoid(utilities[first] - utilities[second]), generator=rng).bool()
    ordered = [(i, j) if won else (j, i) for i, j, won in zip(first.tolist(), second.tolist(), wins.tolist())]
    return pairs_between(batch, ordered, source)


def ranked(
    batch: SeedBatch, rewards: Float[Tensor, " n"], count: int, source: str, rng: torch.Generator
) -> list[PreferencePair]:
    """``count`` random pairs of different reward, the higher one winning; ties and pictures without a reward drop out."""
    known = (~rewards.isnan()).nonzero().flatten()
    pairs = torch.combinations(known) if len(known) > 1 else torch.empty(0, 2, dtype=torch.long)
    gap = rewards[pairs[:, 0]] - rewards[pairs[:, 1]]
    pairs = torch.where((gap > 0)[:, None], pairs, pairs.flip(1))[gap != 0]
    order = torch.randperm(len(pairs), generator=rng)[:count]
    return pairs_between(batch, pairs[order].tolist(), source)


def best_and_worst(batch: SeedBatch, rewards: Float[Tensor, " n"], source: str, count: int = 1) -> list[PreferencePair]:
    """A batch's ``count`` best pictures, each against its ``count`` worst.

    Equal ones make no pair, pictures without a reward drop out, and no picture is among both.
    """
    known = (~rewards.isnan()).nonzero().flatten()
    order = known[rewards[known].argsort(descending=True, stable=True)].tolist()
    count = min(count, len(order) // 2)
    best, worst = order[:count], order[len(order) - count :]
    return pairs_between(batch, [(win, lose) for win in best for lose in worst if rewards[win] > rewards[lose]], source)


def pairs_between(batch: SeedBatch, ordered: Iterable[Sequence[int]], source: str) -> list[PreferencePair]:
    """Pairs of (winner, loser) by index; one tensor a picture, so that it is encoded once however many pairs share it."""
    pictures = batch.images.unbind()
    keys = [image_key(batch.config, batch.prompt, seed) for seed in batch.seeds]
    return [
        PreferencePair(batch.prompt, pictures[win], pictures[lose], source, 1.0, keys[win], keys[lose])
        for win, lose in ordered
    ]


def checked_pairs(pairs: Sequence[PreferencePair], size: int, why: str) -> list[PreferencePair]:
    """The pairs, if there are any and all have pictures of ``size`` pixels; ``why`` says what to do where there is none."""
    if not pairs:
        raise InputError(f"There is no pair to learn from: {why}.")
    for pair in pairs:
        for picture in (pair.win, pair.lose):
            if picture.shape[-2:] != (size, size):
                height, width = picture.shape[-2:]
                raise InputError(
                    f"A pair from {pair.source} has pictures of {width} x {height} pixels, and this backbone makes "
                    f"{size} x {size}: choose pairs of its own pictures, or a backbone of that size."
                )
    return list(pairs)
