"""Guidance in an interval: classifier-free guidance inside, the conditional prediction itself outside."""

from __future__ import annotations

import pytest
import torch

from t2ialign.guidance.cfg import Cfg
from t2ialign.guidance.interval import LimitedInterval
from tests.guidance.predictions import predictions


@pytest.mark.parametrize(
    ("progress", "guided"), [(0.0, False), (0.24, False), (0.25, True), (0.5, True), (0.75, False), (1.0, False)]
)
def test_inside_and_outside(progress: float, guided: bool):
    cond, uncond = predictions()
    expected = Cfg(8.0)(cond, uncond, progress) if guided else cond
    assert torch.equal(LimitedInterval(8.0, 0.25, 0.75)(cond, uncond, progress), expected)


def test_the_whole_interval_is_plain_guidance():
    cond, uncond = predictions()
    for progress in (0.0, 0.5, 0.999):
        assert torch.equal(LimitedInterval(8.0, 0.0, 1.0)(cond, uncond, progress), Cfg(8.0)(cond, uncond, progress))


def test_defaults_are_the_papers_noise_levels():
    """Noise levels 0.28 and 5.42 on Stable Diffusion's schedule, as progress 1 - t / 1000."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    signal = torch.cumprod(1 - betas, 0)
    sigmas = ((1 - signal) / signal).sqrt()
    stop, start = (1 - int((sigmas < level).sum()) / 1000 for level in (0.28, 5.42))
    assert (LimitedInterval().start, LimitedInterval().stop) == (
        pytest.approx(start, abs=0.01),
        pytest.approx(stop, abs=0.01),
    )
