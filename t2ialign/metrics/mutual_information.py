"""Point-wise mutual information of picture and prompt (MI-TUNE, eq. 2, with alpha_t), measured while sampling."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from t2ialign.types import Features, Metric


def mutual_information(features: Features) -> Float[Tensor, " n"]:
    """The estimate that the sampling loop made of each picture, in nats; NaN for pictures from elsewhere."""
    return features["mutual_information"]


METRIC = Metric(
    name="mutual_information",
    title="Mutual information",
    axis="alignment",
    level="image",
    needs=("mutual_information",),
    compute=mutual_information,
    bounds=(0.0, float("inf")),
    higher_is_better=True,
    unit="nats",
    reference="MI-TUNE, eq. 2: E_t[kappa_t |e(z, prompt) - e(z, empty)|^2]",
    summary="How much the prompt changed what the model drew, step by step.",
    caveat="The model judges itself, along its own trajectory; comparable only at equal steps and scheduler.",
)
