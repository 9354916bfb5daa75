"""HPSv2 (Wu et al. 2023), weights 2.0: the cosine of a CLIP tuned on people's rankings."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from t2ialign.types import Features, Metric


def hps_v20(features: Features) -> Float[Tensor, " n"]:
    """The cosine as ``encoders.hps`` found it."""
    return features["hps_v20"]


METRIC = Metric(
    name="hps_v20",
    title="HPS v2.0",
    axis="alignment",
    level="image",
    needs=("hps_v20",),
    compute=hps_v20,
    bounds=(-1.0, 1.0),
    higher_is_better=True,
    unit="cosine",
    reference="Wu et al. 2023, Human Preference Score v2 (weights 2.0; papers print it times 100)",
    summary="How much people would prefer this picture for this prompt, learned from rankings.",
    caveat="Versions 2.0 and 2.1 are not on one scale.",
)
