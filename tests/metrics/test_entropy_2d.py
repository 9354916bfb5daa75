from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch

from t2ialign.metrics.entropy_1d import grey
from t2ialign.metrics.entropy_2d import entropy_2d, neighbour_sums
from tests.metrics.features import crops, natural


def pixel_by_pixel(levels: np.ndarray) -> float:
    """The definition as a loop."""
    padded, pairs = np.pad(levels.astype(int), 1), Counter()
    for row, column in np.ndindex(levels.shape):
        total = padded[row : row + 3, column : column + 3].sum() - levels[row, column]
        pairs[int(levels[row, column]), math.floor(total / 8 + 0.5)] += 1
    return -sum(count / levels.size * math.log2(count / levels.size) for count in pairs.values())


@pytest.mark.parametrize("images", [crops(), natural(32)], ids=["crops", "natural"])
def test_equals_the_loop_over_pixels(images: torch.Tensor):
    expected = [pixel_by_pixel(levels) for levels in grey(images).numpy()]
    assert entropy_2d({"images": images}).tolist() == pytest.approx(expected, rel=1e-6)


def test_neighbours_by_hand():
    levels = torch.tensor([[[1, 2, 3], [4, 5, 6], [7, 8, 9]]], dtype=torch.uint8)
    assert neighbour_sums(levels).tolist() == [[[11, 19, 13], [23, 40, 27], [17, 31, 19]]]


def test_joint_entropy_is_at_least_that_of_the_grey_levels():
    from t2ialign.metrics.entropy_1d import entropy_1d

    images = {"images": natural()}
    one, two = entropy_1d(images), entropy_2d(images)
    assert ((one <= two) & (two <= 2 * 8)).all()


def test_constant_picture_knows_only_its_border():
    """6 x 6 pixels of one level: 16 inside, 16 on the edges (5 of 8 neighbours), 4 corners (3 of 8)."""
    shares = [16 / 36, 16 / 36, 4 / 36]
    expected = -sum(share * math.log2(share) for share in shares)
    assert entropy_2d({"images": torch.full((1, 3, 6, 6), 80, dtype=torch.uint8)}).item() == pytest.approx(expected)
