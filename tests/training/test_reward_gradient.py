"""Following a reward's slope: against small changes, and in two dimensions, where the best policy is known."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from t2ialign.training.on_policy import train_on_policy
from t2ialign.training.plan import TrainPlan
from t2ialign.training.reward_gradient import GradientRecipe, GradientSession, LastSteps, OneStep, Reach, Walk
from t2ialign.training.rollouts import picture_seed
from t2ialign.training.state import state_of
from t2ialign.types import TrainStep
from tests.training.toy import CHAIN, ONE, STEPS, TASTE, ToyPolicy, linear, slopes

PLAN = TrainPlan(steps=12, batch=2, learning_rate=0.05, grad_clip=0, save_every=10)
REACHES: dict[str, Reach] = {
    "all steps": LastSteps(STEPS),
    "the last two": LastSteps(2),
    "the last one": LastSteps(1),
    "the last one, three times": LastSteps(1, again=3),
    "one of the last three": OneStep(3),
}


def towards(latents: Tensor, row: int) -> Tensor:
    """Further along one direction, but not beyond 3."""
    return 3 * (latents.flatten(1) @ TASTE / 3).tanh()


def session(policy: ToyPolicy, recipe: GradientRecipe, plan: TrainPlan = PLAN) -> GradientSession:
    state = state_of({"shift": policy.shift, "matrix": policy.matrix}, plan, ["toy"], "cpu")
    chain = dataclasses.replace(CHAIN, eta=recipe.eta)
    return GradientSession(policy, chain, towards, linear, 1, recipe, plan, state)


def trained(
    recipe: GradientRecipe, plan: TrainPlan = PLAN, path: Path | None = None
) -> tuple[ToyPolicy, list[TrainStep]]:
    policy = ToyPolicy()
    return policy, list(train_on_policy(session(policy, recipe, plan), path))


def value(policy: ToyPolicy, recipe: GradientRecipe, seed: int = 3) -> Tensor:
    """The loss of four pictures, of fixed chance."""
    generators = tuple(torch.Generator().manual_seed(picture_seed(seed, 0, 0, member)) for member in range(4))
    walk = Walk(policy, dataclasses.replace(CHAIN, eta=recipe.eta), 0, generators)
    reached = recipe.reach(walk, torch.Generator().manual_seed(1))
    return recipe.loss(towards(reached.latents, 0), reached.gap).double().mean()


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_through_all_steps_the_gradient_is_that_of_small_changes(eta: float) -> None:
    check(GradientRecipe(4, LastSteps(STEPS), eta=eta), slice(None))


@pytest.mark.parametrize("name", [name for name in REACHES if name != "all steps"])
def test_cut_off_it_is_that_of_the_last_steps_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy's every step has weights of its own: those of the earlier steps have no gradient.

    What is drawn without gradients is drawn by the policy as it was, or small changes would change that too.
    """
    down, before = Walk.down, ToyPolicy()
    before.shift.data = start()
    monkeypatch.setattr(Walk, "down", lambda walk, *more: down(dataclasses.replace(walk, policy=before), *more))
    reach, enough = REACHES[name], 1.0 if name.startswith("one") else math.inf
    last = {"the last two": 2}.get(name, 1)
    recipe = GradientRecipe(4, reach, enough=enough, scale=0.7, kl_weight=0.2 if last == 1 else 0.0)
    policy = check(recipe, slice(STEPS - last, None) if not isinstance(reach, OneStep) else None)
    touched = policy.shift.grad.abs().sum(1) > 0  # type: ignore[union-attr]
    assert int(touched.sum()) == last and bool(touched[STEPS - (3 if isinstance(reach, OneStep) else last) :].any())


def start() -> Tensor:
    return 0.1 * torch.randn(STEPS, 2, generator=torch.Generator().manual_seed(5))


def check(recipe: GradientRecipe, steps: slice | None) -> ToyPolicy:
    """Along a random direction of the weights of ``steps`` (None: of those that the gradient reached)."""
    policy = ToyPolicy()
    policy.shift.data = start()
    value(policy, recipe).backward()
    grad = policy.shift.grad
    assert grad is not None
    along = torch.randn(STEPS, 2, generator=torch.Generator().manual_seed(6))
    mask = torch.zeros(STEPS, 1)
    mask[grad.abs().sum(1) > 0 if steps is None else steps] = 1
    along, here, eps = along * mask, start(), 2e-3
    ends = []
    with torch.no_grad():
        for sign in (1, -1):
            policy.shift.copy_(here + sign * eps * along)
            ends.append(float(value(policy, recipe)))
        policy.shift.copy_(here)
    assert float((grad * along).sum()) == pytest.approx((ends[0] - ends[1]) / (2 * eps), rel=2e-2, abs=1e-5)
    assert abs(float((grad * along).sum())) > 1e-4
    return policy


@pytest.mark.parametrize("name", REACHES)
def test_every_reach_climbs(name: str) -> None:
    policy, steps = trained(GradientRecipe(8, REACHES[name]))
    assert steps[-1].reward > steps[0].reward + 0.1
    assert steps[-1].kl > steps[0].kl == 0 and math.isfinite(steps[-1].diversity)


@pytest.mark.slow
def test_a_pull_to_the_reference_ends_where_theory_says() -> None:
    """One step without noise, a linear reward: per_noise u moves the picture where u is added to the noise, and the pull is
    weight (u_1^2 + u_2^2) / 2, so that the best u is TASTE per_noise / weight."""
    weight, policy = 2.0, ToyPolicy(centers=ONE)
    policy.matrix.requires_grad_(False)
    plan = dataclasses.replace(PLAN, steps=120, learning_rate=0.05, save_every=0)
    recipe = GradientRecipe(4, LastSteps(1), kl_weight=weight)
    still = dataclasses.replace(session(policy, recipe, plan), reward=lambda latents, row: latents.flatten(1) @ TASTE)
    list(train_on_policy(still))
    deterministic = dataclasses.replace(CHAIN, eta=0.0)
    one, last = torch.ones(1, 2, 1, 1), torch.tensor([STEPS - 1])
    per_noise = float(deterministic.step(one, 0 * one, last)[0][0, 0, 0, 0])  # of the picture, a unit of noise
    per_shift = float((slopes()[1] / slopes()[0])[-1])  # of the noise, a unit of the weights
    best = TASTE * per_noise / (weight * per_shift)
    assert policy.shift.detach()[-1] == pytest.approx(best, abs=0.03)


def test_enough_reward_teaches_nothing_and_unknown_rewards_neither() -> None:
    recipe = GradientRecipe(3, OneStep(), enough=2.0, scale=0.5)
    gap = torch.zeros(3)
    assert recipe.loss(torch.tensor([1.0, 2.5, math.nan]), gap).tolist() == [0.5, 0.0, 0.0]
    assert GradientRecipe(3, OneStep()).loss(torch.tensor([1.0, -2.0, math.nan]), gap).tolist() == [-1.0, 2.0, 0.0]


def test_a_run_that_was_stopped_goes_on_bit_for_bit(tmp_path: Path) -> None:
    recipe, plan = GradientRecipe(4, OneStep(3), eta=1.0), dataclasses.replace(PLAN, steps=6, save_every=2)
    whole, steps = trained(recipe, plan)
    path = tmp_path / "state.pt"
    for step in train_on_policy(session(ToyPolicy(), recipe, plan), path):
        if step.step == 5:
            kept = path.read_bytes()  # what a kill leaves: the state after step 4
            break
    path.write_bytes(kept)
    again, rest = trained(recipe, plan, path)
    assert [step.step for step in rest] == [5, 6]
    assert torch.equal(whole.shift, again.shift) and torch.equal(whole.matrix, again.matrix)
    assert rest[-1].reward == steps[-1].reward
