"""Peak signal-to-noise ratio in the convention of the f-divergence paper's table 3: a 12-bit peak."""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor

from t2ialign.metrics.pairwise import Gram
from t2ialign.metrics.psnr import HIGHEST, decibels
from t2ialign.metrics.rmse import pixel_rows
from t2ialign.types import Metric

OFFSET = 20 * math.log10(4095 / 255)


def decibels_12_bit(squared: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    """The standard value plus 20 log10(4095 / 255) = 24.11 dB."""
    return decibels(squared) + OFFSET


METRIC = Metric(
    name="psnr_paper",
    title="PSNR (12-bit convention)",
    axis="diversity",
    level="pair",
    needs=("images",),
    compute=Gram(pixel_rows, decibels_12_bit),
    bounds=(OFFSET, HIGHEST + OFFSET),
    higher_is_better=False,
    unit="dB, 12-bit peak",
    reference="The f-divergence paper, table 3, through image-similarity-measures (max_p = 4095)",
    summary="PSNR as that paper reports it, 24.11 dB above the 8-bit value: less is more diverse.",
    caveat="Compare it with that paper's table and with nothing else.",
)
