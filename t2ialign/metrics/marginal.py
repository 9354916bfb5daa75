"""What each picture adds to the diversity of its set: D(all) - D(all but it), times n.

D(all but it) knows nothing of the picture, so it is a baseline: with the factor n, the mean over the pictures of this times
the gradient of log p is an unbiased estimate of the gradient of E[D], for any metric of sets. Rewarding it with weight lambda
is ascending lambda D.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from t2ialign.metrics.distribution import polynomial_kernel
from t2ialign.metrics.scoring import pair_mean
from t2ialign.types import Features, Metric


def set_value(metric: Metric, features: Features) -> Callable[[Int[Tensor, " m"]], float]:
    """The metric's value on any of a set's pictures, by index; pairs are computed once. Higher is always more varied."""
    sign = 1.0 if metric.higher_is_better else -1.0
    if metric.level == "pair":
        pairs = metric.compute(features)
        finish = metric.finish or float

        def of_pairs(chosen: Int[Tensor, " m"]) -> float:
            mean = pair_mean(pairs[chosen][:, chosen])
            return mean if math.isnan(mean) else sign * finish(mean)

        return of_pairs
    return lambda chosen: sign * float(metric.compute({name: features[name][chosen] for name in metric.needs}))


def marginals(value: Callable[[Int[Tensor, " m"]], float], count: int) -> Float[Tensor, " n"]:
    """N (value(all) - value(all but i)) for each of ``count`` pictures; 0 where either is unknown."""
    everyone = torch.arange(count)
    whole = value(everyone)
    without = torch.tensor([value(everyone[everyone != one]) for one in range(count)], dtype=torch.float64)
    return (count * (whole - without)).nan_to_num(nan=0.0, posinf=0.0, neginf=0.0).float()


def negative_mmd(
    features: Float[Tensor, "n d"], reference: Float[Tensor, "m d"]
) -> Callable[[Int[Tensor, " k"]], float]:
    """Minus the squared maximum mean discrepancy to a reference, cubic kernel (Miao et al. 2024), of any of the pictures.

    The diagonal counts (the biased estimate), so that a set of two still has a value.
    """
    own, cross = polynomial_kernel(features, features), polynomial_kernel(features, reference)
    between = float(polynomial_kernel(reference, reference).mean())

    def value(chosen: Int[Tensor, " k"]) -> float:
        return -float(own[chosen][:, chosen].mean() - 2 * cross[chosen].mean()) - between

    return value
