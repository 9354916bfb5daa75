"""Vendi score of order infinity (Pasarkar and Dieng 2024): one over the share of the largest group of look-alikes."""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor

from t2ialign.metrics.clip_diversity import clip_rows
from t2ialign.metrics.vendi import cosine_kernel, hill_number
from t2ialign.types import Features, Metric


def vendi_inf(features: Features) -> Float[Tensor, ""]:
    """Order infinity on ``clip_image``."""
    return hill_number(cosine_kernel(clip_rows(features)), math.inf)


METRIC = Metric(
    name="vendi_inf",
    title="Vendi score, order infinity",
    axis="diversity",
    level="batch",
    needs=("clip_image",),
    compute=vendi_inf,
    bounds=(1.0, float("inf")),
    higher_is_better=True,
    unit="pictures",
    reference="Pasarkar and Dieng 2024, Cousins of the Vendi Score, q = infinity",
    summary="How little the set is dominated by its largest group of look-alikes.",
    caveat="Grows with the number of seeds: only sets of equal size compare.",
    equal_n=True,
)
