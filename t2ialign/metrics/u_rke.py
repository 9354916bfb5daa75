"""U-RKE: the effective number of different pictures, without the bias that Vendi and RKE have in small sets.

RKE (Jalali et al. 2023) is 1 / mean over *all* i, j of k(x_i, x_j)^2, which can never exceed n and grows with it.
Leaving out the pairs of a picture with itself makes u = mean over i != j of k^2 an unbiased estimate of E[k(x, x')^2]
at any n >= 2, so that sets of different size may be compared; 1 / u is taken after every averaging, as it is convex.
"""

from __future__ import annotations

import math
from typing import overload

import numpy as np
from jaxtyping import Float
from torch import Tensor

from t2ialign.metrics.clip_diversity import clip_rows
from t2ialign.metrics.pairwise import Gram
from t2ialign.types import Metric


def squared_cosine(squared: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    """k^2 with k = cos = 1 - |a - b|^2 / 2 for unit vectors."""
    return (1 - squared / 2) ** 2


@overload
def effective_number(mean: float) -> float: ...


@overload
def effective_number(mean: np.ndarray) -> np.ndarray: ...


def effective_number(mean: float | np.ndarray) -> float | np.ndarray:
    """1 / u, of one number or of each in an array: 1 for copies of one picture, infinite for pictures that share nothing."""
    if isinstance(mean, np.ndarray):
        with np.errstate(divide="ignore"):
            return np.where(mean > 0, 1 / mean, math.inf)
    return 1 / mean if mean > 0 else math.inf


METRIC = Metric(
    name="u_rke",
    title="Effective number of pictures (U-RKE)",
    axis="diversity",
    level="pair",
    needs=("clip_image",),
    compute=Gram(clip_rows, squared_cosine),
    finish=effective_number,
    bounds=(1.0, float("inf")),
    higher_is_better=True,
    unit="pictures",
    reference="RKE of Jalali et al. 2023 as a U-statistic (this project)",
    summary="How many truly different pictures the prompt can be expected to give.",
    caveat="As blind as the embedding it stands on.",
)
