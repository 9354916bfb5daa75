from __future__ import annotations

import pytest
import torch

from t2ialign.metrics import METRICS
from tests.metrics.features import crops

# image-similarity-measures 0.3.6 at its defaults, with phasepack 1.5 and OpenCV 5.0
PACKAGE = {
    (0, 1): 33.595645905,
    (0, 2): 35.317272186,
    (0, 3): 43.260887146,
    (1, 2): 33.09967041,
    (1, 3): 33.637992859,
    (2, 3): 35.100151062,
}


def test_equals_the_package():
    pairs = METRICS["psnr_paper"].compute({"images": crops()})
    assert {pair: pairs[pair].item() for pair in PACKAGE} == pytest.approx(PACKAGE, rel=1e-5)


def test_is_the_standard_value_plus_a_constant():
    pairs, standard = (METRICS[name].compute({"images": crops()}) for name in ("psnr_paper", "psnr"))
    torch.testing.assert_close(pairs, standard + 24.1141, rtol=1e-5, atol=0)
