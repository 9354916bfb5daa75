"""Penalties have the gradients that they promise; the safeguard is what its paper derives."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from t2ialign.diffusion.text import PromptEmbeds
from t2ialign.training.data import TrainBatch
from t2ialign.training.regularisers import (
    BatchEntropy,
    Evaluation,
    KlToReference,
    LoserSafeguard,
    Penalty,
    renyi_entropy,
)


def evaluation(prediction: str = "epsilon", count: int = 6) -> Evaluation:
    draw = torch.Generator().manual_seed(0)
    clean, noisy, target, policy, other = (torch.randn((count, 4, 3, 3), generator=draw) for _ in range(5))
    embeds = PromptEmbeds(torch.zeros(count, 2, 3), None, ("",) * count)
    batch = TrainBatch(clean, embeds, torch.ones(count // 2))
    alpha_bar = torch.linspace(0.1, 0.9, count)[:, None, None, None]
    return Evaluation(batch, noisy, alpha_bar, prediction, target, policy.requires_grad_(True), other)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_kl_is_the_distance_of_the_noise_predictions(prediction: str):
    """Of a velocity v at x_t, the noise is sqrt(a) v + sqrt(1 - a) x_t (Salimans & Ho 2022)."""
    seen = evaluation(prediction)
    noises = [seen.policy, seen.reference]
    if prediction == "v_prediction":
        noises = [seen.alpha_bar.sqrt() * v + (1 - seen.alpha_bar).sqrt() * seen.noisy for v in noises]
    expected = 0.5 * (noises[0] - noises[1]).square().mean((1, 2, 3))
    torch.testing.assert_close(KlToReference(0.5)(seen), expected)


def test_kl_has_a_gradient_that_leads_back_to_the_reference():
    """Not computed under no_grad, as has happened elsewhere: a small step against it brings the policy nearer."""
    seen = evaluation()
    penalty = KlToReference()(seen).sum()
    (gradient,) = torch.autograd.grad(penalty, seen.policy)
    expected = 2 * (seen.policy - seen.reference).detach() / seen.policy[0].numel()
    torch.testing.assert_close(gradient, expected)
    nearer = replace(seen, policy=seen.policy.detach() - 0.1 * gradient)
    assert KlToReference()(nearer).sum() < penalty


def test_entropy_hand_worked():
    """Three points at mutual distances 1, 1 and 2 on a line: bandwidth 1, kernel e^-1/2 twice and e^-2."""
    features = torch.tensor([[0.0], [1.0], [2.0]])
    assert float(renyi_entropy(features)) == pytest.approx(-math.log((2 * math.exp(-0.5) + math.exp(-2)) / 3))
    assert float(renyi_entropy(torch.ones(4, 2))) == pytest.approx(0)


def test_entropy_penalty_pushes_a_batch_apart():
    seen = evaluation()
    before = BatchEntropy(1.0)(seen)
    (gradient,) = torch.autograd.grad(before.mean(), seen.policy)
    after = BatchEntropy(1.0)(replace(seen, policy=seen.policy.detach() - 5 * gradient))
    assert gradient.abs().max() > 0 and after.mean() < before.mean() < 0
    assert BatchEntropy()(evaluation(count=2)).tolist() == [0, 0]


def test_penalties_are_penalties():
    assert isinstance(KlToReference(), Penalty) and isinstance(BatchEntropy(), Penalty)


def errors(output: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    win, lose = (output - target).square().chunk(2)
    return win.mean(), lose.mean()


@pytest.mark.parametrize("mu", [0.0, 0.6, 0.9])
def test_safeguard_keeps_the_losers_push_from_raising_the_winners_error(mu: float):
    """g_win . (g_win - lambda g_lose) >= mu |g_win|^2, with equality where lambda is below 1 (Diffusion-SDPO)."""
    win = torch.randn(3, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    output = torch.cat([win, 3 * win]).requires_grad_(True)
    target = torch.zeros_like(output)
    plain_win, plain_lose = torch.autograd.grad(sum(errors(output, target)), output)[0].chunk(2)
    guarded_win, guarded_lose = torch.autograd.grad(sum(errors(LoserSafeguard(mu)(output, target), target)), output)[
        0
    ].chunk(2)
    torch.testing.assert_close(guarded_win, plain_win)
    kept = (plain_win * (plain_win - guarded_lose)).sum() / plain_win.square().sum()
    assert float(kept) == pytest.approx(mu, abs=1e-5)
    torch.testing.assert_close(guarded_lose, (1 - mu) / 3 * plain_lose)


def test_safeguard_leaves_values_and_harmless_losers_alone():
    output = torch.randn(6, 4, 3, 3, generator=torch.Generator().manual_seed(1))
    target = torch.zeros_like(output)
    torch.testing.assert_close(LoserSafeguard()(output, target), output)
    opposite = torch.cat([output[:3], -output[:3]])
    assert float(LoserSafeguard().factor(*opposite.chunk(2))) == 1
