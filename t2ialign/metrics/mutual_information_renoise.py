"""Point-wise mutual information of picture and prompt (MI-TUNE, eq. 2) at noise levels of our choice, for any picture."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from t2ialign.types import Features, Metric


def mutual_information_renoise(features: Features) -> Float[Tensor, " n"]:
    """The backbone's estimate of each picture, in nats, with the same noise for every picture."""
    return features["mutual_information_renoise"]


METRIC = Metric(
    name="mutual_information_renoise",
    title="Mutual information (re-noised)",
    axis="alignment",
    level="image",
    needs=("mutual_information_renoise",),
    compute=mutual_information_renoise,
    bounds=(0.0, float("inf")),
    higher_is_better=True,
    unit="nats",
    reference="MI-TUNE, eq. 2, on latents noised again at evenly spread timesteps",
    summary="How much the prompt tells the base model about this very picture, whoever made it.",
    caveat="The base model judges; what it does not understand, it does not see.",
)
