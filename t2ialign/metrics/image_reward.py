"""ImageReward (Xu et al. 2023): a reward learned from people's rankings, in standard deviations."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from t2ialign.types import Features, Metric


def image_reward(features: Features) -> Float[Tensor, " n"]:
    """The reward as ``encoders.image_reward`` found it."""
    return features["image_reward"]


METRIC = Metric(
    name="image_reward",
    title="ImageReward",
    axis="alignment",
    level="image",
    needs=("image_reward",),
    compute=image_reward,
    bounds=(float("-inf"), float("inf")),
    higher_is_better=True,
    unit="standard deviations",
    reference="Xu et al. 2023, ImageReward, sec. 2.3",
    summary="How much people would prefer this picture for this prompt.",
    caveat="Reads 35 tokens of the prompt only.",
)
