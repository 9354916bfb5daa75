"""A UniDet-style spatial score (T2I-CompBench, Huang et al. 2023) from a zero-shot detector."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from t2ialign.types import Features, Metric


def spatial(features: Features) -> Float[Tensor, " n"]:
    """The score as ``encoders.spatial`` found it; NaN where the prompt states no relation."""
    return features["spatial"]


METRIC = Metric(
    name="spatial",
    title="UniDet-style spatial score",
    axis="alignment",
    level="image",
    needs=("spatial",),
    compute=spatial,
    bounds=(0.0, 1.0),
    higher_is_better=True,
    unit="score",
    reference="After Huang et al. 2023, T2I-CompBench, sec. 4.2, with a zero-shot detector of transformers",
    summary="Whether two things stand as the prompt says: one left of, right of, above, below or next to the other.",
    caveat="Not UniDet: another detector with the same geometry. Unknown for prompts without a relation.",
)
