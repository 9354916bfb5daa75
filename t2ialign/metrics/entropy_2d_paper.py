"""Entropy 2D in the convention behind the f-divergence paper's table 3: the neighbourhood's mean is not rounded.

A widely copied loop pairs the grey level with the exact mean of its eight neighbours (2041 possible values) and
divides the counts by the number of pixels of the zero-padded picture, so that they sum to a little less than one. The
bound is no longer 16 bits, and grows with the resolution: pictures of different size do not compare.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from t2ialign.metrics.entropy_1d import grey
from t2ialign.metrics.entropy_2d import neighbour_sums, pair_entropy
from t2ialign.types import Features, Metric


def entropy_2d_paper(features: Features) -> Float[Tensor, " n"]:
    """-sum p log2 p over pairs (grey level, sum of the eight neighbours), p = count / ((h + 2)(w + 2))."""
    levels = grey(features["images"])
    pixels = (levels.shape[1] + 2) * (levels.shape[2] + 2)
    return pair_entropy(levels, neighbour_sums(levels), 2041, pixels)


METRIC = Metric(
    name="entropy_2d_paper",
    title="Entropy 2D (unrounded mean)",
    axis="diversity",
    level="image",
    needs=("images",),
    compute=entropy_2d_paper,
    bounds=(0.0, 19.0),
    higher_is_better=True,
    unit="bits, unrounded",
    reference="The f-divergence paper, table 3; inferred from its values, which rounded means cannot reach",
    summary="How many combinations of grey level and exact surroundings a picture uses.",
    caveat="Measures each picture alone and depends on its size. No diversity of a set.",
)
