"""Mean pairwise cosine distance of DINOv2 embeddings."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from t2ialign.metrics.clip_diversity import one_minus_cosine
from t2ialign.metrics.pairwise import Gram
from t2ialign.types import Features, Metric


def dinov2_rows(features: Features) -> Float[Tensor, "n d"]:
    """Unit vectors of ``dinov2`` [n d]."""
    return normalize(features["dinov2"].float(), dim=1)


METRIC = Metric(
    name="dinov2_diversity",
    title="1 - DINOv2 similarity",
    axis="diversity",
    level="pair",
    needs=("dinov2",),
    compute=Gram(dinov2_rows, one_minus_cosine),
    bounds=(0.0, 2.0),
    higher_is_better=True,
    unit="1 - cosine",
    reference="Oquab et al. 2023, DINOv2; class token",
    summary="How different two seeds are in the eyes of a network that never read a caption.",
    caveat="Trained on photographs.",
)
