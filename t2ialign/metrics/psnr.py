"""Peak signal-to-noise ratio between all pairs, in decibels: the less, the more diverse."""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor

from t2ialign.metrics.pairwise import Gram
from t2ialign.metrics.rmse import pixel_rows
from t2ialign.types import Metric

ROUNDING = 1 / 12 / 255**2  # mean squared error of rounding to 8 bits: pictures cannot be known to be closer
HIGHEST = -10 * math.log10(ROUNDING)


def decibels(squared: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    """-10 log10 of the mean squared error on [0, 1], which for equal pictures is taken to be the rounding error."""
    return -10 * squared.clamp_min(ROUNDING).log10()


METRIC = Metric(
    name="psnr",
    title="PSNR",
    axis="diversity",
    level="pair",
    needs=("images",),
    compute=Gram(pixel_rows, decibels),
    bounds=(0.0, HIGHEST),
    higher_is_better=False,
    unit="dB",
    reference="10 log10(255^2 / MSE), MSE over pixels and RGB, at most that of 8-bit rounding",
    summary="How similar the pixels of two seeds are, on a logarithmic scale: less is more diverse.",
    caveat="RMSE in other units: counts contrast as diversity.",
)
