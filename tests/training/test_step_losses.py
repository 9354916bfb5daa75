"""Losses of steps: by hand, and their gradients against numerical ones."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from t2ialign.divergences import DIVERGENCES, Alpha, parse_divergence
from t2ialign.objectives.sigmoid import Sigmoid
from t2ialign.training.rollouts import Replay
from t2ialign.training.step_losses import PolicyGradient, StepEvaluation, StepLoss, StepPreference, evaluate_steps
from tests.training.toy import CHAIN, STEPS, ToyPolicy

LOSSES: dict[str, StepLoss] = {
    "score function": PolicyGradient(clip=0),
    "ddpo": PolicyGradient(clip=0.1),
    "dpok, noise gap": PolicyGradient(0.1, False, 10.0, 0.5, "noise_gap"),
    "dpok, closed form": PolicyGradient(0.1, False, 10.0, 0.5, "closed_form"),
    "grpo": PolicyGradient(0.1, kl_weight=0.04),
    **{f"spo, {name}": StepPreference(Sigmoid(10.0), parse_divergence(name), clamp=0.0) for name in DIVERGENCES},
    "spo, clamped": StepPreference(Sigmoid(10.0), clamp=0.1),
    "d3po, pulled": StepPreference(Sigmoid(0.1), Alpha(0.6), clamp=0.1, kl_weight=0.3),
}


def replay(pairs: bool, shared: bool = False) -> Replay:
    draw = torch.Generator().manual_seed(4)
    ways, count = (2 if pairs else 1), 2 * STEPS
    before = torch.randn(count, 1 if shared else ways, 2, 1, 1, generator=draw)
    after = before + 0.3 * torch.randn(count, ways, 2, 1, 1, generator=draw)
    index, rows = torch.arange(count) % STEPS, torch.zeros(count, dtype=torch.long)
    return Replay(before, after, index, rows, torch.zeros(count, ways), torch.randn(count, generator=draw))


def moved_policy() -> ToyPolicy:
    policy, draw = ToyPolicy(), torch.Generator().manual_seed(1)
    policy.shift.data = 0.02 * torch.randn(STEPS, 2, generator=draw)
    return policy


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shared", [False, True])
def test_gradients_are_those_of_small_changes(name: str, shared: bool) -> None:
    loss, policy = LOSSES[name], moved_policy()
    pairs = isinstance(loss, StepPreference)
    examples = replay(pairs, shared and pairs)
    drawn = evaluate_steps(policy, CHAIN, examples).log_prob.detach()
    old = drawn.reshape(examples.log_prob.T.shape).T + 0.01
    examples = replace(examples, log_prob=old)

    def value() -> Tensor:
        return loss(evaluate_steps(policy, CHAIN, examples)).values.double().mean()

    value().backward()
    along = torch.randn(STEPS, 2, generator=torch.Generator().manual_seed(2))
    start, eps = policy.shift.detach().clone(), 2e-3
    ends = []
    with torch.no_grad():
        for sign in (1, -1):
            policy.shift.copy_(start + sign * eps * along)
            ends.append(float(value()))
    numerical = (ends[0] - ends[1]) / (2 * eps)
    assert float((policy.shift.grad * along).sum()) == pytest.approx(numerical, rel=0.03, abs=2e-4)
    assert name == "spo, clamped" or abs(numerical) > 1e-4


def seen(ratio: list[float], weights: list[float]) -> StepEvaluation:
    log_prob = torch.tensor(ratio).log()
    none = torch.zeros_like(log_prob)
    return StepEvaluation(
        log_prob, none, none, torch.full_like(none, 0.2), torch.full_like(none, 0.3), torch.tensor(weights)
    )


def test_ppo_is_pessimistic_and_dpok_only_bounded() -> None:
    far = seen([1.3, 1.3, 0.5, 0.5], [1.0, -1.0, 1.0, -1.0])
    assert PolicyGradient(0.1)(far).values.tolist() == pytest.approx([-1.1, 1.3, -0.5, 0.9])
    assert PolicyGradient(0.1, False)(far).values.tolist() == pytest.approx([-1.1, 1.1, -0.9, 0.9])
    assert PolicyGradient(0.1)(far).clamped.all()
    pulled = PolicyGradient(0.1, False, kl_weight=10, kl_form="noise_gap")(far).values
    assert pulled.tolist() == pytest.approx([1.9, 4.1, 2.1, 3.9])


def test_spo_is_its_published_loss() -> None:
    """-log sigmoid(10 log r_w - 10 log r_l) with both ratios clamped to 0.9 .. 1.1."""
    found = StepPreference(Sigmoid(10.0), clamp=0.1)(seen([1.05, 1.5, 0.98, 1.0], [1.0, 1.0]))
    expected = [
        -math.log(1 / (1 + math.exp(-10 * (math.log(win) - math.log(lose)))))
        for win, lose in ((1.05, 0.98), (1.1, 1.0))
    ]
    assert found.values.tolist() == pytest.approx(expected) and found.clamped.tolist() == [False, True, False, False]
    assert found.liked.tolist() == [True, True, False, False]


def test_the_kl_has_a_gradient() -> None:
    """A KL that was computed without one would regularise nothing, silently."""
    policy = moved_policy()
    evaluate_steps(policy, CHAIN, replay(False)).kl.sum().backward()
    assert float(policy.shift.grad.abs().min()) > 0
