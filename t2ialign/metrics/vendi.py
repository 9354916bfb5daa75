"""Vendi score (Friedman and Dieng 2023) and its cousins of order q (Pasarkar and Dieng 2024), on CLIP embeddings.

The effective number of different pictures in the set: exp of the Renyi entropy of order q of the eigenvalues of K /
n, with K the kernel of all pairs (cosine, ones on the diagonal). It can never exceed n and grows with it: compare at
equal n only.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.metrics.clip_diversity import clip_rows
from t2ialign.types import Features, Metric


def hill_number(kernel: Float[Tensor, "n n"], order: float) -> Float[Tensor, ""]:
    """(sum p^q)^(1 / (1 - q)) of the eigenvalues p of K / n: exp(Shannon) at q = 1, 1 / max p at q = infinity."""
    p: Tensor = torch.linalg.eigvalsh(kernel.double() / len(kernel)).clamp_min(0)
    p = p / p.sum()
    if order == 1:
        return torch.exp(-torch.xlogy(p, p).sum()).float()
    if order == math.inf:
        return (1 / p.max()).float()
    return (p[p > 0] ** order).sum().pow(1 / (1 - order)).float()


def cosine_kernel(rows: Float[Tensor, "n d"]) -> Float[Tensor, "n n"]:
    """Cosines of unit rows, in float64 so that copies are copies."""
    return rows.double() @ rows.double().T


def vendi(features: Features) -> Float[Tensor, ""]:
    """Order 1 on ``clip_image``."""
    return hill_number(cosine_kernel(clip_rows(features)), 1)


METRIC = Metric(
    name="vendi",
    title="Vendi score",
    axis="diversity",
    level="batch",
    needs=("clip_image",),
    compute=vendi,
    bounds=(1.0, float("inf")),
    higher_is_better=True,
    unit="pictures",
    reference="Friedman and Dieng 2023, The Vendi Score, eq. 2",
    summary="How many truly different pictures are in this set.",
    caveat="Grows with the number of seeds: only sets of equal size compare.",
    equal_n=True,
)
