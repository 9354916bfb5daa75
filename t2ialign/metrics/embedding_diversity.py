"""Mean pairwise cosine distance of any embedding, for whichever encoder a study wants to try."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from t2ialign.metrics.clip_diversity import one_minus_cosine
from t2ialign.metrics.pairwise import Gram
from t2ialign.types import Features, Metric


def embedding_rows(features: Features) -> Float[Tensor, "n d"]:
    """Unit vectors of ``embedding`` [n d]."""
    return normalize(features["embedding"].float(), dim=1)


METRIC = Metric(
    name="embedding_diversity",
    title="1 - embedding similarity",
    axis="diversity",
    level="pair",
    needs=("embedding",),
    compute=Gram(embedding_rows, one_minus_cosine),
    bounds=(0.0, 2.0),
    higher_is_better=True,
    unit="1 - cosine",
    reference="Mean pairwise cosine distance",
    summary="How different two seeds are in the embedding that was chosen.",
    caveat="As blind as the embedding it stands on.",
)
