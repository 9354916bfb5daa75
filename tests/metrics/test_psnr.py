from __future__ import annotations

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from t2ialign.metrics import METRICS
from tests.metrics.features import crops, natural


@pytest.mark.parametrize("images", [crops(), natural()], ids=["crops", "natural"])
def test_equals_scikit_image(images: torch.Tensor):
    pairs, arrays = METRICS["psnr"].compute({"images": images}), images.numpy()
    for i in range(1, len(images)):
        expected = peak_signal_noise_ratio(arrays[0], arrays[i], data_range=255)
        assert pairs[0, i].item() == pytest.approx(expected, rel=1e-5)


def test_equal_pictures_are_as_close_as_rounding_can_tell():
    """Rounding to 8 bits has variance 1 / 12 of a level: 10 log10(12 * 255^2) = 58.92 dB, not infinity."""
    pairs = METRICS["psnr"].compute({"images": crops()[[0, 0]]})
    assert pairs[0, 1].item() == pytest.approx(58.9226, rel=1e-5)
