from __future__ import annotations

import pytest
import torch

from t2ialign.metrics.vendi_inf import vendi_inf


def test_is_ruled_by_the_largest_group():
    """Six copies of one picture among four unrelated ones: the largest share is 6 / 10."""
    rows = torch.eye(5)[[0] * 6 + [1, 2, 3, 4]]
    assert vendi_inf({"clip_image": rows}).item() == pytest.approx(10 / 6)
