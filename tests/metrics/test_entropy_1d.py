from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.measure import shannon_entropy

from t2ialign.metrics.entropy_1d import entropy_1d, grey
from tests.metrics.features import natural


def test_grey_equals_pillow():
    images = torch.cat([natural(), torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)])
    expected = [np.asarray(Image.fromarray(image.permute(1, 2, 0).numpy()).convert("L")) for image in images]
    assert np.array_equal(grey(images).numpy(), np.stack(expected))


def test_equals_scikit_image():
    images = natural()
    expected = [shannon_entropy(levels) for levels in grey(images).numpy()]
    assert entropy_1d({"images": images}).tolist() == pytest.approx(expected, rel=1e-6)


def test_by_hand():
    constant = torch.full((1, 3, 4, 4), 77, dtype=torch.uint8)
    halves = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    halves[..., :2] = 255
    assert entropy_1d({"images": torch.cat([constant, halves])}).tolist() == pytest.approx([0, 1])


def test_every_level_once_is_eight_bits():
    ramp = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(1, 3, 16, 16)
    assert entropy_1d({"images": ramp}).item() == pytest.approx(8)
