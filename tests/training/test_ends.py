"""Where methods that draw end for a stated pull to the base, in two dimensions, beside what theory says.

The policy may move each step's mean by a shift and no more. A policy gradient with advantages ``reward - mean`` climbs
E[reward] - beta KL(path), one that divides by the group's spread climbs E[reward / spread] - beta KL. Where that ends is found
without any score function: for one Gaussian and a linear reward on paper, for a mixture by the derivative of the path itself.
SPO's pairs are the extremes of a step's own noise, whatever the step, so that one equation in one number says where it ends.

Theory gives no end for PPO's clip over several updates, which is a biased step; for D3PO and SPO without a pull of their own,
whose pairs are ordered without error, so that a larger shift is always better; nor for SPO on a mixture, where the best way
on is no extreme of the noise along one direction.
"""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from t2ialign.objectives.sigmoid import Sigmoid
from t2ialign.training.experience import Branches, MarkedPictures
from t2ialign.training.on_policy import Recipe, train_on_policy
from t2ialign.training.plan import TrainPlan
from t2ialign.training.step_losses import PolicyGradient, StepPreference
from tests.training.toy import CHAIN, ONE, STEPS, TASTE, TWO, ToyPolicy, session, slopes

PLAN = TrainPlan(steps=90, batch=2, learning_rate=0.03, grad_clip=0, save_every=0)
GROUP = 128
WORLDS = ("one", "two")
BETA = {
    "mean": (0.3, 1.0),
    "z_score": (0.65, 1.0),
    "noise_gap": (1.5, 10.0),
}  # so that it arrives in time, in either world
CENTERS = {"one": ONE, "two": TWO}
MEAN, SPREAD = MarkedPictures(GROUP, "mean", limit=100), MarkedPictures(GROUP, limit=100)
RECIPES = {
    "reinforce, without the spread": (MEAN, PolicyGradient(clip=0)),
    "ddpo, score function": (SPREAD, PolicyGradient(clip=0)),
    "ddpo, importance sampling": (SPREAD, PolicyGradient(clip=0.1)),
    "dpok": (MEAN, PolicyGradient(clip=0.1, pessimistic=False, scale=2.0)),
    "dpok, the gap of noises": (MEAN, PolicyGradient(clip=0.1, pessimistic=False, kl_form="noise_gap")),
    "grpo": (dataclasses.replace(SPREAD, same_noise=True, share=0.6), PolicyGradient(clip=0.1)),
}


def end_of(recipe: Recipe, centers: Tensor, plan: TrainPlan = PLAN, after: int = 30) -> Tensor:
    """The shift of every step, averaged over the steps of training after it has arrived."""
    policy = ToyPolicy(centers=centers)
    policy.matrix.requires_grad_(False)
    found = torch.zeros(STEPS, 2)
    for step in train_on_policy(session(policy, recipe, plan)):
        found += policy.shift.detach() / (plan.steps - after) if step.step > after else 0
    return found


def end_by_path(drawn: MarkedPictures, loss: PolicyGradient, centers: Tensor, groups: int = 16) -> Tensor:
    """The same by gradients through the path with its noise held: no log-probability, and no chance but that of the noise."""
    policy, draw = ToyPolicy(centers=centers), torch.Generator().manual_seed(5)
    start = torch.randn(groups, 1 if drawn.same_noise else GROUP, 2, 1, 1, generator=draw)
    start = start.expand(groups, GROUP, 2, 1, 1).flatten(0, 1)
    noises = torch.randn(STEPS, groups * GROUP, 2, 1, 1, generator=draw)
    rows = torch.zeros(len(start), dtype=torch.long)
    per_noise, std = slopes()
    weight = (2 * std.square() / per_noise.square() if loss.kl_form == "noise_gap" else torch.ones(STEPS))[:, None]
    optimiser = torch.optim.Adam([policy.shift], 0.05)
    for _ in range(120):
        latents = start
        for index, timestep in enumerate(CHAIN.timesteps):
            noise = policy.predict(latents, timestep.expand(len(rows)), rows)
            mean, spread = CHAIN.step(noise, latents, torch.full_like(rows, index))
            latents = mean + spread * noises[index]
        rewards = (latents.flatten(1) @ TASTE).view(groups, GROUP)
        unit = rewards.std(1, correction=0).detach() if drawn.baseline == "z_score" else torch.ones(groups)
        pull = loss.kl_weight * (weight * policy.shift.square()).sum() / 2
        optimiser.zero_grad()
        (pull - loss.scale * (rewards / unit[:, None]).mean()).backward()
        optimiser.step()
    return policy.shift.detach()


def later_slopes() -> Tensor:
    """By how much the picture moves with the mean of each step, for one Gaussian; the last number is of the first noise."""
    ones, index, policy = torch.ones(STEPS, 2, 1, 1), torch.arange(STEPS), ToyPolicy(centers=ONE)
    low, high = (
        CHAIN.step(policy.predict_reference(x, CHAIN.timesteps, index), x, index)[0][:, 0, 0, 0]
        for x in (0 * ones, ones)
    )
    later = (high - low).flip(0).cumprod(0).flip(0)
    return torch.cat([later[1:], torch.ones(1), later[:1]])


def best_shift(beta: float) -> Tensor:
    """Every step's mean moves by std^2 / beta times what the reward gains from it (d = 2 cancels on both sides)."""
    return (slopes()[1] * later_slopes()[:-1])[:, None] * TASTE / beta


def reward_spread(same_noise: bool) -> float:
    """Of one Gaussian's pictures; a shift does not change it."""
    *later, first = later_slopes().tolist()
    moved = sum((float(std) * slope) ** 2 for std, slope in zip(slopes()[1], later, strict=True))
    return float(TASTE.norm()) * (moved + (0 if same_noise else first**2)) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_the_path_ends_where_paper_says_for_one_gaussian(name: str) -> None:
    drawn, loss = RECIPES[name]
    unit = reward_spread(drawn.same_noise) if drawn.baseline == "z_score" else 1.0
    per_noise, std = slopes()
    weaker = (per_noise.square() / (2 * std.square()))[:, None] if loss.kl_form == "noise_gap" else 1.0
    expected = best_shift(0.3) * loss.scale / unit * weaker
    found = end_by_path(drawn, dataclasses.replace(loss, kl_weight=0.3), ONE)
    assert found == pytest.approx(expected, rel=0.05, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("name", RECIPES)
def test_the_kl_ends_where_theory_says(name: str, world: str) -> None:
    drawn, loss = RECIPES[name]
    beta = BETA[loss.kl_form if loss.kl_form in BETA else drawn.baseline][WORLDS.index(world)]
    pulled = dataclasses.replace(loss, kl_weight=beta * loss.scale)
    expected = end_by_path(drawn, pulled, CENTERS[world])
    assert float(expected.abs().max()) > 0.4, "there is something to find"
    assert end_of(Recipe(drawn, pulled), CENTERS[world]) == pytest.approx(expected, abs=0.12)


def spo_shift(beta: float, weight: float, candidates: int) -> float:
    """a with weight a = beta E[r sigmoid(-beta r a / 2)], r the range of the candidates' noise along the taste (d = 2)."""
    drawn = torch.randn(200_000, candidates, generator=torch.Generator().manual_seed(0))
    gaps = drawn.amax(1) - drawn.amin(1)
    low, high = 0.0, 10.0
    for _ in range(40):
        middle = (low + high) / 2
        push = float((beta * gaps * torch.sigmoid(-beta * gaps * middle / 2)).mean())
        low, high = (middle, high) if push > weight * middle else (low, middle)
    return low


@pytest.mark.slow
@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_spo_with_a_pull_ends_where_theory_says(weight: float) -> None:
    loss = StepPreference(Sigmoid(2.0), clamp=0.0, kl_weight=weight)
    plan = dataclasses.replace(PLAN, batch=8, steps=70)
    found = end_of(Recipe(Branches(8, 0, 0.0), loss), ONE, plan)
    expected = spo_shift(2.0, weight, 8)
    assert expected > 0.3
    assert found == pytest.approx(expected * (TASTE / TASTE.norm()).expand(STEPS, 2), abs=0.15)
    assert float((found @ TASTE).mean() / TASTE.norm()) == pytest.approx(expected, abs=0.05), "the same at every step"
