"""SSIM distance between all pairs (Wang et al. 2004, eq. 13): one minus the structural similarity of two seeds.

The standard convention: pixels in [0, 1], Gaussian window of 11 pixels with sigma 1.5, K1 = 0.01, K2 = 0.03, the map
over the window's valid positions averaged over pixels and RGB; no down-sampling first.
"""

from __future__ import annotations

import numpy as np

from t2ialign.metrics.structure import Structure
from t2ialign.types import Metric


def gaussian(size: int, sigma: float) -> tuple[float, ...]:
    """The normalised one-dimensional Gaussian; the two-dimensional window is its outer product."""
    weights = np.exp(-((np.arange(size) - size // 2) ** 2) / (2 * sigma**2))
    return tuple((weights / weights.sum()).tolist())


METRIC = Metric(
    name="ssim",
    title="1 - SSIM",
    axis="diversity",
    level="pair",
    needs=("images",),
    compute=Structure(gaussian(11, 1.5), peak=255).rule,
    bounds=(0.0, 2.0),
    higher_is_better=True,
    unit="1 - SSIM",
    reference="Wang et al. 2004, Image Quality Assessment: From Error Visibility to Structural Similarity, eq. 13",
    summary="How little the pixels of two seeds agree in local structure; 1 - SSIM, so that more is more diverse.",
    caveat="Measures registration: the same picture shifted by 8 pixels is nearly as far away as a different seed.",
)
