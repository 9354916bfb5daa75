"""The two estimates: against the published formula of Diffusion-DPO, and against exact Gaussian densities."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal
from torch.nn.functional import logsigmoid, mse_loss

from t2ialign.diffusion.noise import predicted_x0
from t2ialign.objectives.sigmoid import Sigmoid
from t2ialign.training.log_ratio import (
    PUBLISHED_SCALE,
    denoising_error,
    denoising_target,
    scale_of,
    surrogate_log_ratio,
    transition_log_ratio,
)
from t2ialign.types import PairLogRatios

SHAPE = (6, 4, 5, 3)


def tensors(*seeds: int) -> list[torch.Tensor]:
    return [torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed)) for seed in seeds]


def ours(policy: torch.Tensor, other: torch.Tensor, target: torch.Tensor, scale: float) -> torch.Tensor:
    log_ratio = surrogate_log_ratio(denoising_error(policy, target), denoising_error(other, target), scale)
    return Sigmoid()(PairLogRatios(*log_ratio.chunk(2)))


def errors(output: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return mse_loss(output, target, reduction="none").mean((1, 2, 3)).chunk(2)


@pytest.mark.parametrize("beta", [10.0, 2500.0, 5000.0])
def test_equals_diffusion_dpo_for_both_meanings_of_beta(beta: float):
    """Salesforce and diffusers' SDXL write -(beta/2) (model_diff - ref_diff); diffusers' SD-1.5 has no 1/2."""
    target = tensors(3)[0]
    policy, other = (target + 0.05 * noise for noise in tensors(1, 2))
    policy_win, policy_lose = errors(policy, target)
    other_win, other_lose = errors(other, target)
    model_diff, ref_diff = policy_win - policy_lose, other_win - other_lose
    with_half = -logsigmoid(-0.5 * beta * (model_diff - ref_diff))
    without = -logsigmoid(beta * (ref_diff - model_diff))
    torch.testing.assert_close(ours(policy, other, target, scale_of(beta, "diffusion_dpo")), with_half)
    torch.testing.assert_close(ours(policy, other, target, scale_of(beta, "diffusers")), without)


def test_published_defaults_are_one_loss():
    assert scale_of(5000, "diffusion_dpo") == scale_of(2500, "diffusers") == PUBLISHED_SCALE


def test_log_two_where_the_policy_is_the_reference():
    policy, target = tensors(1, 2)
    torch.testing.assert_close(ours(policy, policy, target, 2500.0), torch.full((3,), math.log(2)))


@pytest.mark.parametrize("alpha_bar", [0.02, 0.5, 0.98])
def test_target_is_what_a_perfect_model_says(alpha_bar: float):
    """From noise and velocity alike the noised picture's x_0 comes back."""
    x0, noise = tensors(1, 2)
    noisy = math.sqrt(alpha_bar) * x0 + math.sqrt(1 - alpha_bar) * noise
    for prediction in ("epsilon", "v_prediction"):
        target = denoising_target(x0, noise, alpha_bar, prediction)
        torch.testing.assert_close(predicted_x0(target, noisy, alpha_bar, prediction), x0, rtol=1e-4, atol=1e-4)


def test_transition_is_the_difference_of_two_log_densities():
    sample, policy_mean, reference_mean = tensors(1, 2, 3)
    exact = [
        Normal(mean.double(), 0.3).log_prob(sample.double()).mean((1, 2, 3)) for mean in (policy_mean, reference_mean)
    ]
    found = transition_log_ratio(sample, policy_mean, reference_mean, 0.3)
    torch.testing.assert_close(found.double(), exact[0] - exact[1], rtol=1e-4, atol=1e-5)
    assert (transition_log_ratio(policy_mean, policy_mean, reference_mean, 0.3) > 0).all()
