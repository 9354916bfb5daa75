from __future__ import annotations

import pytest
import torch

from t2ialign.metrics import METRICS
from t2ialign.metrics.fsim_paper import wrapped_gradient
from tests.metrics.features import crops

# image-similarity-measures 0.3.6 at its defaults, with phasepack 1.5 and OpenCV 5.0
PACKAGE = {
    (0, 1): 0.37701987,
    (0, 2): 0.312431975,
    (0, 3): 0.527362888,
    (1, 2): 0.290950848,
    (1, 3): 0.382227407,
    (2, 3): 0.308473294,
}


def test_equals_the_package():
    pairs = METRICS["fsim_paper"].compute({"images": crops()})
    assert {pair: 1 - pairs[pair].item() for pair in PACKAGE} == pytest.approx(PACKAGE, rel=1e-5)


def test_slopes_wrap_in_sixteen_bits():
    """A step of 20 has slope 16 * 20 = 320, whose square 102400 wraps to 36864; the step down is lost."""
    bars = torch.zeros(1, 9, 12)
    bars[..., 4:8] = 20
    row = wrapped_gradient(bars)[0, 4]
    assert row.tolist() == [0, 0, 0, 192, 192, 0, 0, 0, 0, 0, 0, 0]
