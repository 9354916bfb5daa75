"""LAION's aesthetic score (Schuhmann 2022): people's ratings of pictures, learned on CLIP."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from t2ialign.types import Features, Metric


def aesthetic(features: Features) -> Float[Tensor, " n"]:
    """The score as ``encoders.aesthetic`` found it."""
    return features["aesthetic"]


METRIC = Metric(
    name="aesthetic",
    title="LAION aesthetic",
    axis="alignment",
    level="image",
    needs=("aesthetic",),
    compute=aesthetic,
    bounds=(float("-inf"), float("inf")),
    higher_is_better=True,
    unit="points of 10",
    reference="Schuhmann 2022, improved aesthetic predictor (sac+logos+ava1-l14-linearMSE)",
    summary="How much people who rate pictures would like this one.",
    caveat="Does not read the prompt; a linear map of CLIP, so 5.24 plus or minus 18 at the very most.",
)
