from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import normalized_root_mse

from t2ialign.metrics import METRICS
from tests.metrics.features import crops, natural


@pytest.mark.parametrize("images", [crops(), natural()], ids=["crops", "natural"])
def test_equals_scikit_image(images: torch.Tensor):
    pairs = METRICS["rmse"].compute({"images": images})
    unit = images.double().numpy() / 255
    for i in range(1, len(images)):
        expected = normalized_root_mse(unit[0], unit[i]) * np.sqrt(np.mean(unit[0] ** 2))
        assert pairs[0, i].item() == pytest.approx(expected, rel=1e-5)


def test_black_and_white_are_as_far_as_can_be():
    images = torch.stack([torch.zeros(3, 4, 4), torch.full((3, 4, 4), 255)]).to(torch.uint8)
    assert METRICS["rmse"].compute({"images": images})[0, 1].item() == pytest.approx(1)
