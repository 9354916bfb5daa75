"""DNO: its regulariser against the bounds worked by hand, and a search whose end is known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from t2ialign.diffusion.noise_search import SearchPlan, drawn, improbability, search_noise

BARS = (torch.tensor([0.1, 0.5, 0.8]), torch.tensor([0.5, 0.8, 0.97]))
SHAPE = (1, 2, 4)


def shrinking(latents: Tensor, index: int) -> Tensor:
    """The noise that the model of a standard Gaussian sees: sqrt(1 - a) x."""
    return (1 - BARS[0][index]).sqrt() * latents


def test_likely_noise_costs_nothing_and_a_shift_what_the_bound_says() -> None:
    draw = torch.Generator().manual_seed(0)
    noise = torch.randn(4096, generator=draw)
    assert float(improbability(noise, 4, 20, draw)) == pytest.approx(0, abs=0.2)
    # 1024 vectors of 4 whose mean is 0.5 each: 1024 * 4 * 0.25 / 8 = 128, less log 2, in order and shuffled alike.
    shifted = noise - noise.mean() + 0.5
    mean = 2 * (128 - math.log(2))
    assert float(improbability(shifted, 4, 20, draw)) > 0.95 * mean
    constant = torch.full((4096,), 0.5)
    gap = max(abs(4 * 0.25 - 1), 1.0)  # the covariance has one eigenvalue 4 * 0.25 and else 0: |cov - 1| = 1
    excess = (1 + gap) ** 0.5 - 1 - (4 / 1024) ** 0.5
    by_hand = 2 * (128 + 1024 * excess**2 / 2 - 2 * math.log(2))
    assert float(improbability(constant, 4, 3, draw)) == pytest.approx(by_hand, rel=1e-4)


def test_what_repeats_in_order_is_seen_though_its_values_are_normal() -> None:
    draw = torch.Generator().manual_seed(1)
    repeated = torch.randn(1024, generator=draw).repeat_interleave(4)
    assert float(improbability(repeated, 4, 0, draw)) > 10


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_the_gradient_to_the_noise_is_that_of_small_changes(eta: float) -> None:
    noise = torch.randn(4, *SHAPE, generator=torch.Generator().manual_seed(2), dtype=torch.float64, requires_grad=True)
    bars = (BARS[0].double(), BARS[1].double())
    predict = lambda latents, index: (1 - bars[0][index]).sqrt() * latents.tanh()  # noqa: E731
    assert torch.autograd.gradcheck(lambda one: drawn(one, bars, predict, eta).square().sum(), noise)


def test_a_search_climbs_and_the_regulariser_holds_it_back() -> None:
    taste = torch.randn(SHAPE, generator=torch.Generator().manual_seed(3))
    ends = {}
    for gamma in (0.0, 5.0):
        plan = SearchPlan(steps=40, learning_rate=0.05, gamma=gamma, shuffles=5)
        found = list(search_noise(plan, SHAPE, BARS, shrinking, lambda latents: (latents * taste).sum((1, 2, 3))))
        assert [one.step for one in found] == list(range(41))
        ends[gamma] = found[-1]
        assert found[-1].reward > found[0].reward + 1
    assert ends[0.0].reward > ends[5.0].reward and ends[0.0].unlikely > ends[5.0].unlikely


def test_without_noise_in_its_steps_only_the_first_noise_counts() -> None:
    noise = torch.randn(4, *SHAPE, generator=torch.Generator().manual_seed(4), requires_grad=True)
    (grad,) = torch.autograd.grad(drawn(noise, BARS, shrinking, 0.0).sum(), noise)
    assert bool(grad[0].any()) and not bool(grad[1:].any())
