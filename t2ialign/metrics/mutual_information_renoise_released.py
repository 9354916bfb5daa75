"""The same as MI-TUNE's published code weighs it, on pictures noised again: no alpha_t, timesteps above 50 only."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from t2ialign.types import Features, Metric


def mutual_information_renoise_released(features: Features) -> Float[Tensor, " n"]:
    """The backbone's estimate of each picture, in nats, with the same noise for every picture."""
    return features["mutual_information_renoise_released"]


METRIC = Metric(
    name="mutual_information_renoise_released",
    title="Mutual information (re-noised, released weights)",
    axis="alignment",
    level="image",
    needs=("mutual_information_renoise_released",),
    compute=mutual_information_renoise_released,
    bounds=(0.0, float("inf")),
    higher_is_better=True,
    unit="nats",
    reference="MI-TUNE's published code (no alpha_t, t > 50), on latents noised again",
    summary="How much the prompt tells the base model about this very picture, whoever made it.",
    caveat="The base model judges; what it does not understand, it does not see.",
)
