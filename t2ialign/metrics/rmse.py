"""Root mean squared error between all pairs, as a share of the full 8-bit scale."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from t2ialign.metrics.pairwise import Gram
from t2ialign.types import Features, Metric


def pixel_rows(features: Features) -> Float[Tensor, "n d"]:
    """Pixels in [0, 1] over sqrt(d), so that |a - b|^2 is the mean squared error."""
    rows = features["images"].flatten(1).float()
    scaled: Tensor = rows / (255 * rows.shape[1] ** 0.5)
    return scaled


def root(squared: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    return squared.sqrt()


METRIC = Metric(
    name="rmse",
    title="RMSE",
    axis="diversity",
    level="pair",
    needs=("images",),
    compute=Gram(pixel_rows, root),
    bounds=(0.0, 1.0),
    higher_is_better=True,
    unit="share of full scale",
    reference="Root of the mean squared difference over pixels and RGB, pixels in [0, 1]",
    summary="How far apart the pixels of two seeds are.",
    caveat="Counts contrast as diversity: guidance raises it while the pictures grow more alike.",
)
