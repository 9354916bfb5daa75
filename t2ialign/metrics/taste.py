"""Taste: the utility of a picture to the embedded world's annotator, whose votes are drawn from it."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from t2ialign.types import Features, Metric


def taste(features: Features) -> Float[Tensor, " n"]:
    """The mean utility over the annotator's raters, as the embedded world computes it."""
    return features["taste"]


METRIC = Metric(
    name="taste",
    title="The annotator's taste",
    axis="alignment",
    level="image",
    needs=("taste",),
    compute=taste,
    bounds=(float("-inf"), float("inf")),
    higher_is_better=True,
    unit="utility",
    reference="This project's embedded world",
    summary="What the embedded world's synthetic raters feel about the picture: faithfulness and style.",
    caveat="Exists only in the embedded world, where the raters' taste is known.",
)
