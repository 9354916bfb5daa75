"""Latent particle guidance: its push by hand, as a gradient, and where it acts."""

from __future__ import annotations

import math

import pytest
import torch

from t2ialign.guidance.cfg import Cfg
from t2ialign.guidance.latent_particle import LatentParticle, repulsion
from tests.guidance.predictions import predictions
from tests.guidance.steps import step_of


def test_the_push_by_hand():
    """Latents 0, 1 and 3 on a line; of two others the lower median counts, and log(n - 1) is log 2.

    For 0: squared gaps 1 and 9, h = 1 / log 2, k = 2^-1 and 2^-9: 2 log 2 (1/2 (0 - 1) + 2^-9 (0 - 3)).
    """
    pushes = repulsion(torch.tensor([0.0, 1.0, 3.0]).view(3, 1, 1, 1)).flatten()
    assert pushes[0].item() == pytest.approx(-2 * math.log(2) * (1 / 2 + 3 / 2**9))
    assert pushes[1].item() == pytest.approx(2 * math.log(2) * (1 / 2 - 2 / 2**4))  # gaps 1 and 4: h = 1 / log 2
    assert pushes[2].item() == pytest.approx(2 * math.log(2) / 4 * (2 / 2 + 3 / 2 ** (9 / 4)))  # 4 and 9: h = 4 / log 2


def test_the_push_is_down_the_kernel_of_each_with_the_rest():
    """Minus the gradient of sum_j exp(-|z_i - z_j|^2 / h_i) with the bandwidth held."""
    latents, _ = predictions(n=5)
    flat = latents.double().flatten(1)
    pushes = repulsion(latents.double()).flatten(1)
    for i in range(5):
        z = flat[i].clone().requires_grad_()
        squared = (z - flat[torch.arange(5) != i]).square().sum(1)
        bandwidth = squared.detach().sort().values[1] / math.log(4)
        (gradient,) = torch.autograd.grad((-squared / bandwidth).exp().sum(), z)
        torch.testing.assert_close(pushes[i], -gradient)


def test_pictures_are_pushed_apart_while_there_is_noise():
    cond, uncond = predictions()
    plain = Cfg(4.0)(cond, uncond, 0.5)
    noisy, clear = (step_of(cond, uncond, alpha_bar=alpha_bar) for alpha_bar in (0.4, 0.6))
    assert torch.equal(LatentParticle(strength=5.0).guide(clear), plain)
    assert torch.equal(LatentParticle(strength=0.0).guide(noisy), plain)
    ours = LatentParticle(strength=5.0).guide(noisy)
    torch.testing.assert_close(ours, plain - 5.0 * math.sqrt(0.6 / 0.4) * repulsion(cond), rtol=1e-4, atol=1e-5)
