"""Point-wise mutual information as MI-TUNE's published code computes it: no alpha_t, timesteps above 50 only."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from t2ialign.types import Features, Metric


def mutual_information_released(features: Features) -> Float[Tensor, " n"]:
    """The released variant of the estimate that the sampling loop made of each picture; NaN from elsewhere."""
    return features["mutual_information_released"]


METRIC = Metric(
    name="mutual_information_released",
    title="Mutual information (released code)",
    axis="alignment",
    level="image",
    needs=("mutual_information_released",),
    compute=mutual_information_released,
    bounds=(0.0, float("inf")),
    higher_is_better=True,
    unit="nats, unscaled",
    reference="MI-TUNE's published code: kappa_t without alpha_t, t > 50",
    summary="How much the prompt changed what the model drew, as the paper's own code counts it.",
    caveat="Not on the scale of eq. 2: compare it with itself only.",
)
