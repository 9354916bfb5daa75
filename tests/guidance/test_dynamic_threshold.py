"""Dynamic thresholding against diffusers' scheduler, and its variant for latents by what it promises."""

from __future__ import annotations

import pytest
import torch

from t2ialign import torchvision_guard
from t2ialign.guidance.cfg import Cfg
from t2ialign.guidance.dynamic_threshold import DynamicThreshold
from tests.guidance.predictions import predictions
from tests.guidance.steps import step_of


@pytest.mark.parametrize("percentile", [0.9, 0.995])
@pytest.mark.parametrize("scale", [0.02, 1.0])
def test_the_papers_bound_equals_diffusers(percentile: float, scale: float):
    """Where the prediction is within the bound and where it is far outside."""
    torchvision_guard.install()
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler(thresholding=True, dynamic_thresholding_ratio=percentile, sample_max_value=1e6)
    cond, uncond = (scale * part for part in predictions())
    step = step_of(cond, uncond)
    guided = step.to_x0(Cfg(7.5)(cond, uncond, 0.5))
    assert (guided.abs().flatten(1).quantile(percentile, 1) > 1).all() == (scale == 1)
    ours = step.to_x0(DynamicThreshold(7.5, percentile, bound=1.0).guide(step))
    torch.testing.assert_close(ours, scheduler._threshold_sample(guided), rtol=1e-4, atol=1e-4)


def test_latents_reach_no_farther_than_without_guidance():
    step = step_of(*predictions())
    plain, ours = (
        step.to_x0(output).flatten(1).abs() for output in (step.noise_cond, DynamicThreshold(9.0).guide(step))
    )
    torch.testing.assert_close(ours.quantile(0.995, 1), plain.quantile(0.995, 1), rtol=1e-4, atol=1e-4)
    assert (ours.amax(1) <= plain.amax(1) + 1e-4).all()
