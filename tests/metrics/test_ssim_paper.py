from __future__ import annotations

import pytest
from skimage.metrics import structural_similarity

from t2ialign.metrics import METRICS
from tests.metrics.features import crops

# image-similarity-measures 0.3.6 at its defaults, with phasepack 1.5 and OpenCV 5.0
PACKAGE = {
    (0, 1): 0.794130114,
    (0, 2): 0.859424495,
    (0, 3): 0.9602521,
    (1, 2): 0.799990207,
    (1, 3): 0.796554769,
    (2, 3): 0.854319883,
}


def test_equals_the_package():
    pairs = METRICS["ssim_paper"].compute({"images": crops()})
    assert {pair: 1 - pairs[pair].item() for pair in PACKAGE} == pytest.approx(PACKAGE, rel=1e-5)


def test_equals_scikit_image_with_that_data_range():
    arrays, pairs = crops().permute(0, 2, 3, 1).numpy(), METRICS["ssim_paper"].compute({"images": crops()})
    expected = structural_similarity(arrays[0], arrays[3], channel_axis=2, data_range=4095)
    assert 1 - pairs[0, 3].item() == pytest.approx(expected, rel=1e-6)
