"""LPIPS between all pairs (Zhang et al. 2018, eq. 1): the perceptual distance of two seeds of one prompt."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from t2ialign.metrics.pairwise import Gram
from t2ialign.types import Features, Metric


def lpips_rows(features: Features) -> Float[Tensor, "n d"]:
    """``lpips`` [n d]: unit-normalised layer activations times sqrt(w_c / (H_l W_l)), so that |a - b|^2 is LPIPS."""
    return features["lpips"]


def identity(squared: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    return squared


METRIC = Metric(
    name="lpips",
    title="LPIPS",
    axis="diversity",
    level="pair",
    needs=("lpips",),
    compute=Gram(lpips_rows, identity),
    bounds=(0.0, float("inf")),
    higher_is_better=True,
    unit="distance",
    reference="Zhang et al. 2018, The Unreasonable Effectiveness of Deep Features, eq. 1",
    summary="How different two seeds of the same prompt look, on average over all pairs.",
    caveat="Also grows when the same picture is flipped or shifted.",
)
