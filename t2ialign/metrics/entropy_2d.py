"""Entropy 2D (Abutaleb 1989): the joint entropy of a pixel's grey level and its neighbourhood's mean, in bits."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.nn.functional import pad

from t2ialign.metrics.entropy_1d import grey
from t2ialign.types import Features, Metric


def neighbour_sums(levels: UInt8[Tensor, "n h w"]) -> Int[Tensor, "n h w"]:
    """Sum of the eight neighbours of every pixel, with zeros outside the picture."""
    padded = pad(levels.int(), (1, 1, 1, 1))
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    return rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:] - levels.int()


def pair_entropy(
    first: UInt8[Tensor, "n h w"], second: Int[Tensor, "n h w"], base: int, total: int
) -> Float[Tensor, " n"]:
    """-sum p log2 p of how often each pair of values occurs in a picture, p = count / ``total``.

    ``base`` exceeds every value of ``second``. Pairs are counted as runs of sorted keys; numpy sorts integers on the
    CPU twenty times faster than torch does.
    """
    keys = (first.int() * base + second.int()).flatten(1).numpy(force=True)
    ordered = torch.from_numpy(np.sort(keys, axis=1)).long()
    span = 256 * base
    runs, counts = torch.unique_consecutive(ordered + torch.arange(len(keys))[:, None] * span, return_counts=True)
    p = counts.double() / total
    bits = torch.zeros(len(keys), dtype=torch.float64).index_add_(0, runs // span, -p * p.log2())
    return bits.float().to(first.device)


def entropy_2d(features: Features) -> Float[Tensor, " n"]:
    """-sum p log2 p over pairs (grey level, mean of the eight neighbours rounded to a grey level)."""
    levels = grey(features["images"])
    means = (neighbour_sums(levels) + 4).div(8, rounding_mode="floor")
    return pair_entropy(levels, means, 256, levels[0].numel())


METRIC = Metric(
    name="entropy_2d",
    title="Entropy 2D",
    axis="diversity",
    level="image",
    needs=("images",),
    compute=entropy_2d,
    bounds=(0.0, 16.0),
    higher_is_better=True,
    unit="bits",
    reference="Abutaleb 1989, Automatic Thresholding of Gray-Level Pictures Using Two-Dimensional Entropy",
    summary="How many combinations of grey level and surroundings a picture uses.",
    caveat="Measures each picture alone: n copies of one picture score like n different ones. No diversity of a set.",
)
