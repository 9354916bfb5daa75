"""Root mean squared error in the convention of the f-divergence paper's table 3: per band, over 4095."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.metrics.pairwise import EachPair, Prepared
from t2ialign.types import Features, Metric

PEAK = 4095.0


def pixels(features: Features) -> Prepared:
    return {"pixels": features["images"].float()}


def band_rmse(one: Prepared, others: Prepared) -> Float[Tensor, " m"]:
    """Mean over R, G and B of each band's own RMSE, divided by the 12-bit maximum."""
    errors = (one["pixels"] - others["pixels"]).square().mean((2, 3), dtype=torch.float64)
    return (errors.sqrt().mean(1) / PEAK).float()


METRIC = Metric(
    name="rmse_paper",
    title="RMSE (12-bit convention)",
    axis="diversity",
    level="pair",
    needs=("images",),
    compute=EachPair(pixels, band_rmse),
    bounds=(0.0, 255 / PEAK),
    higher_is_better=True,
    unit="share of 4095",
    reference="The f-divergence paper, table 3, through image-similarity-measures (max_p = 4095)",
    summary="RMSE as that paper reports it: sixteen times smaller than a share of the 8-bit scale.",
    caveat="Counts contrast as diversity; compare it with that paper's table and with nothing else.",
)
