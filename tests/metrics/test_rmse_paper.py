from __future__ import annotations

import pytest
import torch

from t2ialign.metrics import METRICS
from tests.metrics.features import crops

# image-similarity-measures 0.3.6 at its defaults, with phasepack 1.5 and OpenCV 5.0
PACKAGE = {
    (0, 1): 0.020898113,
    (0, 2): 0.01640551,
    (0, 3): 0.00682052,
    (1, 2): 0.022072574,
    (1, 3): 0.020795798,
    (2, 3): 0.016789617,
}


def test_equals_the_package():
    pairs = METRICS["rmse_paper"].compute({"images": crops()})
    assert {pair: pairs[pair].item() for pair in PACKAGE} == pytest.approx(PACKAGE, rel=1e-5)


def test_sixteen_times_smaller_than_the_8_bit_share():
    grey = torch.stack([torch.full((3, 8, 8), value, dtype=torch.uint8) for value in (0, 51)])
    assert METRICS["rmse_paper"].compute({"images": grey})[0, 1].item() == pytest.approx(51 / 4095)
