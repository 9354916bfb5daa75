"""DPOK's value network: its layers written out, what it learns, and a run with it that is stopped and goes on."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
import torch

from t2ialign.training.critic import Critic, CriticPlan, ValueNetwork, critic_of
from t2ialign.training.experience import MarkedPictures
from t2ialign.training.on_policy import OnPolicySession, Recipe, train_on_policy
from t2ialign.training.plan import TrainPlan
from t2ialign.training.rollouts import Replay, walk
from t2ialign.training.step_losses import PolicyGradient
from tests.training.toy import CHAIN, STEPS, TASTE, ToyPolicy, session

PLAN = TrainPlan(steps=6, batch=2, learning_rate=0.05, grad_clip=0, save_every=2)
LOSS = PolicyGradient(0.1, pessimistic=False, kl_weight=0.01)


def replay(rewards: torch.Tensor, seed: int = 0) -> Replay:
    draw = torch.Generator().manual_seed(seed)
    n = len(rewards)
    latents = torch.randn(n, 1, 2, 1, 1, generator=draw)
    index, rows = torch.arange(n) % STEPS, torch.arange(n) % 2
    return Replay(latents, latents, index, rows, torch.zeros(n, 1), rewards)


def fresh(learning_rate: float = 1e-2) -> Critic:
    return critic_of(CriticPlan(5, 64, learning_rate), (2, 1, 1), torch.eye(2, 3), STEPS, 7)


def test_the_released_networks_formula() -> None:
    """Three times relu(scale[t] * (W x + b)), then a line; x is the latents and the prompt beside each other."""
    torch.manual_seed(0)
    network = ValueNetwork(4, 3, STEPS)
    latents, prompts, index = torch.randn(5, 1, 2, 2), torch.randn(5, 3), torch.tensor([0, 5, 2, 2, 1])
    rows = torch.cat([latents.reshape(5, 4), prompts], 1)
    for layer in network.layers:
        rows = (layer.scale.weight[index] * (rows @ layer.linear.weight.T + layer.linear.bias)).clamp(min=0)
    expected = (rows @ network.last.weight.T + network.last.bias)[:, 0]
    torch.testing.assert_close(network(latents, prompts, index), expected)


@pytest.mark.slow
def test_what_a_prompt_is_worth_is_no_advantage() -> None:
    """One prompt is always worth 1 and the other -1: once that is known nothing is left to gain."""
    critic, rewards = fresh(), torch.tensor([1.0, -1.0]).repeat(60)
    first = critic.judged(replay(rewards), 0).weights
    for step in range(60):
        last = critic.judged(replay(rewards, step), step).weights
    assert last.abs().mean() < 0.05 < first.abs().mean()


def test_unknown_rewards_teach_nothing() -> None:
    rewards = torch.tensor([1.0, math.nan, 3.0])
    assert len(fresh().judged(replay(rewards), 0)) == 2
    nothing = fresh().judged(replay(torch.full((3,), math.nan)), 0)
    assert len(nothing) == 3 and not nothing.weights.any()


def critical(policy: ToyPolicy, plan: TrainPlan = PLAN) -> OnPolicySession:
    recipe = Recipe(MarkedPictures(16, "none"), LOSS, updates=2, critic=CriticPlan(5, 256, 1e-2))
    found = session(policy, recipe, plan)
    critic = critic_of(recipe.critic or CriticPlan(), policy.shape, torch.zeros(1, 1), STEPS, plan.seed)
    return dataclasses.replace(found, critic=critic, state=dataclasses.replace(found.state, beside=critic))


@pytest.mark.slow
def test_dpok_climbs_with_it() -> None:
    policy = ToyPolicy()
    list(train_on_policy(critical(policy, dataclasses.replace(PLAN, steps=12))))
    ends = [walk(one, CHAIN, 0, range(400)).latents[-1].flatten(1) @ TASTE for one in (ToyPolicy(), policy)]
    assert ends[1].mean() > ends[0].mean() + 0.3


@pytest.mark.slow
def test_a_run_that_was_stopped_finds_it_again(tmp_path: Path) -> None:
    whole, path = ToyPolicy(), tmp_path / "state.pt"
    steps = list(train_on_policy(critical(whole)))
    for step in train_on_policy(critical(ToyPolicy()), path):
        if step.step == 5:
            kept = path.read_bytes()
            break
    path.write_bytes(kept)
    again = ToyPolicy()
    rest = list(train_on_policy(critical(again), path))
    assert [step.step for step in rest] == [5, 6] and torch.equal(whole.shift, again.shift)
    assert rest[-1].loss == steps[-1].loss


@pytest.mark.parametrize("seed", [1, 2])
def test_first_weights_come_from_the_seed_alone(seed: int) -> None:
    torch.manual_seed(seed)
    assert torch.equal(fresh().network.last.weight, fresh().network.last.weight)
