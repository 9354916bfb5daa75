"""FSIMc distance between all pairs (Zhang et al. 2011, eq. 9): FSIM with the similarity of the chrominance."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.metrics import fsim
from t2ialign.metrics.pairwise import EachPair, Prepared


def one_minus_fsimc(one: Prepared, others: Prepared) -> Float[Tensor, " m"]:
    """1 - sum S_PC S_G (S_I S_Q)^0.03 max(PC) / sum max(PC)."""
    weight = torch.maximum(one["congruency"], others["congruency"])
    score = fsim.similarity(one, others, "congruency", "gradient", (fsim.T1, fsim.T2))
    chroma = fsim.similarity(one, others, "i", "q", (fsim.T3, fsim.T4)).abs_().pow_(fsim.CHROMA)
    return 1 - score.mul_(chroma).mul_(weight).sum((1, 2)) / weight.sum((1, 2))


METRIC = replace(
    fsim.METRIC,
    name="fsimc",
    title="1 - FSIMc",
    compute=EachPair(fsim.feature_maps, one_minus_fsimc),
    unit="1 - FSIMc",
    reference="Zhang et al. 2011, FSIM: A Feature Similarity Index for Image Quality Assessment, eq. 9",
    summary="How little the edges, structures and colours of two seeds coincide.",
)
