"""RKE (Jalali et al. 2023), the Vendi score of order 2: 1 / |K / n|_F^2, with the pairs of a picture with itself."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from t2ialign.metrics.clip_diversity import clip_rows
from t2ialign.metrics.vendi import cosine_kernel
from t2ialign.types import Features, Metric


def rke(features: Features) -> Float[Tensor, ""]:
    """The effective number of modes, without an eigendecomposition."""
    kernel = cosine_kernel(clip_rows(features))
    return (1 / kernel.square().mean()).float()


METRIC = Metric(
    name="rke",
    title="RKE",
    axis="diversity",
    level="batch",
    needs=("clip_image",),
    compute=rke,
    bounds=(1.0, float("inf")),
    higher_is_better=True,
    unit="pictures",
    reference="Jalali et al. 2023, An Information-Theoretic Evaluation of Generative Models, eq. 6",
    summary="How many truly different pictures are in this set, by the mean squared similarity of all pairs.",
    caveat="Grows with the number of seeds: only sets of equal size compare. U-RKE does not.",
    equal_n=True,
)
