"""The ramp of the adapters' weights by hand."""

from __future__ import annotations

import pytest

from t2ialign.guidance.adapter_ramp import AdapterRamp


@pytest.mark.parametrize(
    ("start", "power", "progress", "share"),
    [
        (0.0, 2.0, 0.5, 0.25),
        (0.0, 0.0, 0.01, 1.0),
        (0.6, 0.0, 0.59, 0.0),
        (0.6, 0.0, 0.6, 1.0),
        (0.5, 1.0, 0.75, 0.5),
        (0.5, 2.0, 0.5, 0.0),
        (0.5, 3.0, 1.0, 1.0),
    ],
)
def test_by_hand(start: float, power: float, progress: float, share: float):
    assert AdapterRamp(4.0, start, power).adapter_share(progress) == pytest.approx(share)
