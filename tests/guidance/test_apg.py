"""Adaptive projected guidance against diffusers' own implementation and against what it claims to do."""

from __future__ import annotations

import pytest
import torch

from t2ialign import torchvision_guard
from t2ialign.guidance.apg import Apg
from t2ialign.guidance.cfg import Cfg
from tests.guidance.predictions import predictions


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("norm_threshold", [0.0, 5.0, 1000.0])
@pytest.mark.parametrize("momentum", [0.0, -0.5, 0.3])
def test_equals_diffusers_over_five_steps(eta: float, norm_threshold: float, momentum: float):
    """diffusers' ``use_original_formulation`` starts at cond with scale - 1, as the paper and we do."""
    torchvision_guard.install()
    from diffusers.guiders.adaptive_projected_guidance import MomentumBuffer, normalized_guidance

    ours, theirs = Apg(6.0, eta, norm_threshold, momentum).begin(), MomentumBuffer(momentum)
    for step in range(5):
        cond, uncond = predictions(step)
        expected = normalized_guidance(cond, uncond, 5.0, theirs, eta, norm_threshold, use_original_formulation=True)
        torch.testing.assert_close(ours(cond, uncond, step / 5), expected, rtol=1e-5, atol=1e-5)


def test_all_parts_kept_is_plain_guidance():
    cond, uncond = predictions()
    torch.testing.assert_close(
        Apg(6.0, eta=1.0, norm_threshold=0.0, momentum=0.0).begin()(cond, uncond, 0.5), Cfg(6.0)(cond, uncond, 0.5)
    )


def test_update_is_orthogonal_and_capped():
    cond, uncond = predictions()
    update = (Apg(2.0, norm_threshold=3.0)(cond, uncond, 0.5) - cond).flatten(1)
    cosine = torch.cosine_similarity(update, cond.flatten(1))
    torch.testing.assert_close(cosine, torch.zeros(3), atol=1e-5, rtol=0)
    assert (update.norm(dim=1) <= 3.0001).all()


def test_momentum_remembers():
    cond, uncond = predictions()
    run = Apg(4.0).begin()
    assert not torch.equal(run(cond, uncond, 0.1), run(cond, uncond, 0.2))
