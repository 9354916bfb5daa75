"""Oracle exactness: whether every claim of the prompt holds in the picture (the embedded world only)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from t2ialign.types import Features, Metric


def oracle_exact(features: Features) -> Float[Tensor, " n"]:
    """1 where all of ``claims`` [n c] hold, else 0."""
    return features["claims"].amin(1)


METRIC = Metric(
    name="oracle_exact",
    title="Oracle, all claims",
    axis="alignment",
    level="image",
    needs=("claims",),
    compute=oracle_exact,
    bounds=(0.0, 1.0),
    higher_is_better=True,
    unit="share of pictures",
    reference="This project's embedded world",
    summary="The share of pictures in which everything that the prompt says is true, and nothing else is shown.",
    version="2",
    caveat="Exists only where the truth is known: in the embedded world.",
)
