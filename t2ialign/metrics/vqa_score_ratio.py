"""VQAScore with yes weighed against no only, for models that spread their probability over other words."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from t2ialign.types import Features, Metric


def vqa_score_ratio(features: Features) -> Float[Tensor, " n"]:
    """p(yes) / (p(yes) + p(no)) as ``encoders.vqa_score`` found it."""
    return features["vqa_score_ratio"]


METRIC = Metric(
    name="vqa_score_ratio",
    title="VQAScore, yes against no",
    axis="alignment",
    level="image",
    needs=("vqa_score_ratio",),
    compute=vqa_score_ratio,
    bounds=(0.0, 1.0),
    higher_is_better=True,
    unit="yes / (yes + no)",
    reference="After Lin et al. 2024, eq. 3, normalised over yes and no",
    summary="How sure a vision-language model is that the picture shows the prompt, rather than that it does not.",
    caveat="Scores of different models or questions do not compare; both are part of its version.",
)
