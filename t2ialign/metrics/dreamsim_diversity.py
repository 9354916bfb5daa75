"""Mean pairwise cosine distance of DreamSim embeddings."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from t2ialign.metrics.clip_diversity import one_minus_cosine
from t2ialign.metrics.pairwise import Gram
from t2ialign.types import Features, Metric


def dreamsim_rows(features: Features) -> Float[Tensor, "n d"]:
    """Unit vectors of ``dreamsim`` [n d]."""
    return normalize(features["dreamsim"].float(), dim=1)


METRIC = Metric(
    name="dreamsim_diversity",
    title="1 - DreamSim similarity",
    axis="diversity",
    level="pair",
    needs=("dreamsim",),
    compute=Gram(dreamsim_rows, one_minus_cosine),
    bounds=(0.0, 2.0),
    higher_is_better=True,
    unit="1 - cosine",
    reference="Fu et al. 2023, DreamSim, eq. 1",
    summary="How different people would find two seeds, as DreamSim learned it from their judgements.",
    caveat="Trained on photographs and generated photographs.",
)
