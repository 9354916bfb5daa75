from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch

from t2ialign.metrics import METRICS
from t2ialign.metrics.entropy_1d import grey
from t2ialign.metrics.entropy_2d_paper import entropy_2d_paper
from tests.metrics.features import crops, natural


def pixel_by_pixel(levels: np.ndarray) -> float:
    """The loop of the field: exact means of the neighbours, counts over the padded picture's size."""
    padded, pairs = np.pad(levels.astype(float), 1), Counter()
    for row, column in np.ndindex(levels.shape):
        patch = padded[row : row + 3, column : column + 3]
        pairs[float(patch[1, 1]), float((patch.sum() - patch[1, 1]) / 8)] += 1
    return -sum(count / padded.size * math.log2(count / padded.size) for count in pairs.values())


@pytest.mark.parametrize("images", [crops(), natural(32)], ids=["crops", "natural"])
def test_equals_the_loop_over_pixels(images: torch.Tensor):
    expected = [pixel_by_pixel(levels) for levels in grey(images).numpy()]
    assert entropy_2d_paper({"images": images}).tolist() == pytest.approx(expected, rel=1e-6)


def test_is_well_above_the_rounded_convention():
    """The more so, the larger the picture: a rounded mean has no room for more than 16 bits."""
    gaps = [
        entropy_2d_paper(batch) - METRICS["entropy_2d"].compute(batch)
        for batch in ({"images": natural(n)} for n in (64, 192))
    ]
    assert (gaps[1] > gaps[0]).all()
    assert gaps[1].mean() > 1
