"""CFG-Zero* against diffusers' guider and against what its factor is for."""

from __future__ import annotations

import pytest
import torch

from t2ialign import torchvision_guard
from t2ialign.guidance.cfg_zero import CfgZero
from tests.guidance.predictions import predictions


@pytest.mark.parametrize("zero_steps", [0, 1, 3])
def test_equals_diffusers_over_five_steps(zero_steps: int):
    torchvision_guard.install()
    from diffusers.guiders import ClassifierFreeZeroStarGuidance

    ours, theirs = CfgZero(6.0, zero_steps).begin(), ClassifierFreeZeroStarGuidance(6.0, zero_init_steps=zero_steps)
    for step in range(5):
        cond, uncond = predictions(step)
        theirs.set_state(step, 5, torch.tensor(999 - 200 * step))
        torch.testing.assert_close(ours(cond, uncond, step / 5), theirs.forward(cond, uncond).pred)


def test_a_longer_unconditional_prediction_changes_nothing():
    cond, uncond = predictions()
    torch.testing.assert_close(CfgZero(6.0)(cond, 3 * uncond, 0.5), CfgZero(6.0)(cond, uncond, 0.5))
