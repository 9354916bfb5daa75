from __future__ import annotations

import torch

from t2ialign.metrics import METRICS


def test_distance_of_rows():
    """The equality with the ``lpips`` package, trunk and all, is tested beside the encoder
    (tests/encoders/test_lpips.py)."""
    rows = torch.tensor([[0.0, 0, 0], [1, 2, 2], [1, 2, 2]])
    expected = torch.tensor([[0.0, 9, 9], [9, 0, 0], [9, 0, 0]])
    torch.testing.assert_close(METRICS["lpips"].compute({"lpips": rows}), expected)
