"""Classifier-free guidance against hand-worked numbers and the formula of diffusers' pipelines."""

from __future__ import annotations

import torch

from t2ialign.guidance.cfg import Cfg
from tests.guidance.predictions import predictions


def test_by_hand():
    cond, uncond = torch.full((1, 1, 1, 1), 3.0), torch.full((1, 1, 1, 1), 1.0)
    assert Cfg(4.0)(cond, uncond, 0.0).item() == 9.0  # 1 + 4 (3 - 1)
    assert Cfg(0.0)(cond, uncond, 0.0).item() == 1.0
    assert Cfg(1.0)(cond, uncond, 0.0).item() == 3.0


def test_bit_equal_to_the_pipelines_formula():
    cond, uncond = predictions()
    assert torch.equal(Cfg(7.5)(cond, uncond, 0.3), uncond + 7.5 * (cond - uncond))
