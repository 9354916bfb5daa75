"""VQAScore (Lin et al. 2024, eq. 3): the probability that a vision-language model answers yes."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from t2ialign.types import Features, Metric


def vqa_score(features: Features) -> Float[Tensor, " n"]:
    """p(yes) as ``encoders.vqa_score`` found it."""
    return features["vqa_score"]


METRIC = Metric(
    name="vqa_score",
    title="VQAScore",
    axis="alignment",
    level="image",
    needs=("vqa_score",),
    compute=vqa_score,
    bounds=(0.0, 1.0),
    higher_is_better=True,
    unit="probability of yes",
    reference="Lin et al. 2024, Evaluating Text-to-Visual Generation with Image-to-Text Generation, eq. 3",
    summary="How sure a vision-language model is that the picture shows the prompt.",
    caveat="Scores of different models or questions do not compare; both are part of its version.",
)
