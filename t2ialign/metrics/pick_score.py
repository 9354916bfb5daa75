"""PickScore (Kirstain et al. 2023): CLIP tuned on people's choices, in units of its logit."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from t2ialign.types import Features, Metric


def pick_score(features: Features) -> Float[Tensor, " n"]:
    """The score as ``encoders.pick_score`` found it, about 17 to 24."""
    return features["pick_score"]


METRIC = Metric(
    name="pick_score",
    title="PickScore",
    axis="alignment",
    level="image",
    needs=("pick_score",),
    compute=pick_score,
    bounds=(float("-inf"), float("inf")),
    higher_is_better=True,
    unit="logit",
    reference="Kirstain et al. 2023, Pick-a-Pic, eq. 1, times exp(logit_scale)",
    summary="How much users of an image generator would pick this picture for this prompt.",
    caveat="Others divide it by 26 or by 100.",
)
