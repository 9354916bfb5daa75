"""Rescaled guidance against diffusers' guider."""

from __future__ import annotations

import pytest
import torch

from t2ialign import torchvision_guard
from t2ialign.guidance.cfg_rescale import CfgRescale
from tests.guidance.predictions import predictions


@pytest.mark.parametrize("rescale", [0.0, 0.7, 1.0])
def test_equals_diffusers(rescale: float):
    torchvision_guard.install()
    from diffusers.guiders import ClassifierFreeGuidance

    cond, uncond = predictions()
    expected = ClassifierFreeGuidance(7.5, guidance_rescale=rescale).forward(cond, uncond).pred
    torch.testing.assert_close(CfgRescale(7.5, rescale).begin()(cond, uncond, 0.5), expected)
    torch.testing.assert_close(CfgRescale(7.5, 1.0)(cond, uncond, 0.5).std((1, 2, 3)), cond.std((1, 2, 3)))
