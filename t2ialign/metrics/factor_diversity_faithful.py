"""Factor diversity of the faithful pictures alone: those in which every claim of the prompt holds."""

from __future__ import annotations

from dataclasses import replace

from jaxtyping import Float
from torch import Tensor

from t2ialign.metrics import factor_diversity
from t2ialign.types import Features


def factor_diversity_faithful(features: Features) -> Float[Tensor, ""]:
    """Factor diversity over the pictures whose ``faithful`` [n] is 1; NaN where fewer than two are."""
    kept = features["faithful"] > 0
    return factor_diversity.factor_diversity({entry: features[entry][kept] for entry in factor_diversity.ENTRIES})


METRIC = replace(
    factor_diversity.METRIC,
    name="factor_diversity_faithful",
    title="Factor diversity, faithful pictures",
    needs=("faithful", *factor_diversity.ENTRIES),
    compute=factor_diversity_faithful,
    summary="How much the seeds differ in what the prompt leaves open, among the pictures that get everything right.",
    version="1",
    caveat="Stands on few pictures: n times oracle_exact of them. Unknown below two, without an interval below three.",
)
