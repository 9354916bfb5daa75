"""Oracle alignment: the share of the prompt's atomic claims that hold in the picture (the embedded world only)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from t2ialign.types import Features, Metric


def oracle_alignment(features: Features) -> Float[Tensor, " n"]:
    """Mean over claims of ``claims`` [n c], each 0 or 1."""
    return features["claims"].mean(1)


METRIC = Metric(
    name="oracle_alignment",
    title="Oracle alignment",
    axis="alignment",
    level="image",
    needs=("claims",),
    compute=oracle_alignment,
    bounds=(0.0, 1.0),
    higher_is_better=True,
    unit="share of claims",
    reference="This project's embedded world",
    summary="How many of the things the prompt says are true in the picture; that there is nothing else is one of them.",
    version="2",
    caveat="Exists only where the truth is known: in the embedded world.",
)
