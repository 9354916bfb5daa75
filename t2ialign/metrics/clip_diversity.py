"""Image-image CLIP diversity: one minus the cosine between the CLIP embeddings of two seeds."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from t2ialign.metrics.pairwise import Gram
from t2ialign.types import Features, Metric


def clip_rows(features: Features) -> Float[Tensor, "n d"]:
    """Unit vectors of ``clip_image`` [n d]."""
    return normalize(features["clip_image"].float(), dim=1)


def one_minus_cosine(squared: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    """For unit vectors |a - b|^2 = 2 (1 - cos): exact also for near-duplicates, where 1 - a.b is not."""
    return squared / 2


METRIC = Metric(
    name="clip_diversity",
    title="1 - CLIP image similarity",
    axis="diversity",
    level="pair",
    needs=("clip_image",),
    compute=Gram(clip_rows, one_minus_cosine),
    bounds=(0.0, 2.0),
    higher_is_better=True,
    unit="1 - cosine",
    reference="Image-image CLIP score (Radford et al. 2021), as 1 - cosine",
    summary="How different the contents of two seeds are in CLIP's eyes, on average over all pairs.",
    caveat="CLIP looks for what a caption would say, and barely sees pose, place and background.",
)
