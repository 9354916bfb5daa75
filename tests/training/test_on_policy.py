"""The loop of methods that learn from what they draw, on a world of two dimensions whose best policy is known."""

from __future__ import annotations

import dataclasses
import math
import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from t2ialign.divergences import DIVERGENCES
from t2ialign.metrics.marginal import marginals
from t2ialign.objectives.sigmoid import Sigmoid
from t2ialign.training import on_policy
from t2ialign.training.experience import Branches, Collector, MarkedPictures, PicturePairs
from t2ialign.training.on_policy import Recipe, train_on_policy
from t2ialign.training.plan import TrainPlan
from t2ialign.training.rollouts import Marks, Reward, walk
from t2ialign.training.state import read_state
from t2ialign.training.step_losses import PolicyGradient, StepLoss, StepPreference
from t2ialign.types import InputError
from tests.training.toy import CHAIN, ONE, STEPS, TASTE, ToyPolicy, linear, session, slopes, trained

PLAN = TrainPlan(steps=12, batch=2, learning_rate=0.05, grad_clip=0, save_every=10)
SAVED = Recipe(MarkedPictures(4, share=0.5), PolicyGradient(0.1, kl_weight=0.1), updates=2, passes=2)
UNSAVED = dataclasses.replace(PLAN, steps=6, save_every=1000)
ROOT = Path(__file__).resolve().parents[2]
RECIPES: dict[str, tuple[Collector, StepLoss]] = {
    "ddpo, score function": (MarkedPictures(16), PolicyGradient(clip=0)),
    "ddpo, importance sampling": (MarkedPictures(16), PolicyGradient(clip=0.1)),
    "dpok": (MarkedPictures(16, "mean"), PolicyGradient(0.1, pessimistic=False, scale=1.0, kl_weight=0.01)),
    "grpo": (MarkedPictures(16, same_noise=True, share=0.6), PolicyGradient(clip=0.1, kl_weight=0.01)),
    "d3po": (PicturePairs(), StepPreference(Sigmoid(1.0))),
    **{
        f"spo, {name}, clamp {clamp}": (Branches(4, 1, 0.0), StepPreference(Sigmoid(2.0), divergence(), clamp))
        for name, divergence in DIVERGENCES.items()
        for clamp in (0.1, 0.0)
    },
}


def mean_reward(policy: ToyPolicy, count: int = 400) -> float:
    latents = walk(policy, CHAIN, 0, range(count)).latents[-1]
    return float((latents.flatten(1) @ TASTE).mean())


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_every_method_climbs(name: str) -> None:
    collector, loss = RECIPES[name]
    pairs = not isinstance(collector, MarkedPictures)
    plan = dataclasses.replace(PLAN, batch=8) if pairs else PLAN
    policy, steps = trained(Recipe(collector, loss, updates=2), plan)
    before = mean_reward(ToyPolicy())
    assert abs(before) < 0.25, "the mixture is symmetric"
    assert mean_reward(policy) > before + 0.3
    assert steps[-1].kl > steps[0].kl >= 0 and math.isfinite(steps[-1].reward)


@pytest.mark.slow
def test_the_kl_ends_where_theory_says() -> None:
    """For a linear reward and one Gaussian, every step's mean moves by std^2 / beta times what the reward gains from it."""
    beta, policy = 0.3, ToyPolicy(centers=ONE)
    loss = PolicyGradient(clip=0, kl_weight=beta)
    plan = TrainPlan(steps=90, batch=2, learning_rate=0.03, grad_clip=0, save_every=0)
    policy.matrix.requires_grad_(False)
    averaged = torch.zeros(STEPS, 2)
    recipe = Recipe(MarkedPictures(128, "mean", limit=100), loss)
    for step in train_on_policy(session(policy, recipe, plan)):
        averaged += policy.shift.detach() / 60 if step.step > 30 else 0
    assert averaged == pytest.approx(best_shift(beta), abs=0.08)
    assert float(best_shift(beta).abs().max()) > 0.5, "there is something to find"


def best_shift(beta: float) -> torch.Tensor:
    """std_t / beta times the product of the later steps' slopes, along the taste (d = 2 cancels on both sides)."""
    ones = torch.ones(STEPS, 2, 1, 1)
    index, policy = torch.arange(STEPS), ToyPolicy(centers=ONE)
    low, high = (
        CHAIN.step(policy.reference_noise(x, CHAIN.timesteps, index), x, index)[0][:, 0, 0, 0] for x in (0 * ones, ones)
    )
    later = torch.cat([(high - low).flip(0).cumprod(0).flip(0)[1:], torch.ones(1)])
    return (slopes()[1] * later)[:, None] * TASTE / beta


def narrowing(weight: float) -> Reward:
    """A taste for one point, and ``weight`` times what each picture adds to the mean distance."""

    def reward(latents: torch.Tensor, row: int, seeds: tuple[int, ...]) -> Marks:
        points = latents.flatten(1)
        pairs = torch.cdist(points, points)
        plain = -points.square().sum(1)
        value = lambda kept: float(pairs[kept][:, kept].sum() / (len(kept) * (len(kept) - 1)))  # noqa: E731
        return Marks(plain + weight * marginals(value, len(points)), plain, value(torch.arange(len(points))))

    return reward


@pytest.mark.slow
def test_lambda_buys_diversity_and_pays_with_reward() -> None:
    """A taste for one point narrows what is drawn; rewarding what each picture adds to diversity keeps it wider."""
    recipe = Recipe(MarkedPictures(16), PolicyGradient(clip=0))
    ends = []
    for weight in (0.0, 4.0):
        _, steps = trained(recipe, dataclasses.replace(PLAN, steps=20), narrowing(weight))
        ends.append([sum(getattr(step, name) for step in steps[-5:]) / 5 for name in ("reward", "diversity")])
    (plain_reward, plain_spread), (varied_reward, varied_spread) = ends
    assert varied_spread > plain_spread + 0.3 and varied_reward < plain_reward


@pytest.mark.slow
def test_of_ways_on_lambda_buys_diversity_only_abreast() -> None:
    """Which way on from one step lies apart is chance; beside other pictures of the prompt it is not."""

    def spread(weight: float, abreast: int) -> float:
        plan = dataclasses.replace(PLAN, steps=20, batch=8 // abreast)
        recipe = Recipe(Branches(4, 1, 0.0, abreast), StepPreference(Sigmoid(2.0), clamp=0.0))
        policy, _ = trained(recipe, plan, narrowing(weight))
        return float(torch.pdist(walk(policy, CHAIN, 0, range(400)).latents[-1].flatten(1)).mean())

    without, alone, beside = spread(0.0, 4), spread(4.0, 1), spread(4.0, 4)
    assert beside > without + 0.45 and alone < without + 0.3


@pytest.mark.slow
def test_a_stronger_pull_stays_closer() -> None:
    ends = []
    for weight in (0.0, 0.1, 1.0):
        loss = PolicyGradient(clip=0, kl_weight=weight)
        ends.append(trained(Recipe(MarkedPictures(16, "mean"), loss), PLAN)[1][-1].kl)
    assert all(more > less for more, less in pairwise(ends))


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_bit_for_bit(tmp_path: Path) -> None:
    recipe = Recipe(MarkedPictures(4, share=0.5), PolicyGradient(0.1, kl_weight=0.1), updates=2, passes=2)
    plan = dataclasses.replace(PLAN, steps=6, save_every=2)
    whole, steps = trained(recipe, plan)
    path = tmp_path / "state.pt"
    for step in train_on_policy(session(ToyPolicy(), recipe, plan), path):
        if step.step == 5:
            kept = path.read_bytes()  # what a kill leaves: the state after step 4
            break
    path.write_bytes(kept)
    again, rest = trained(recipe, plan, path=path)
    assert [step.step for step in rest] == [5, 6]
    assert torch.equal(whole.shift, again.shift) and torch.equal(whole.matrix, again.matrix)
    assert rest[-1].reward == steps[-1].reward


def killed_when_late(path: str) -> None:
    """Every step of it is late, so that it saves by the clock; it is killed with step 4 in its hands."""
    on_policy.SAVE_SECONDS = 0.0
    for step in train_on_policy(session(ToyPolicy(), SAVED, UNSAVED), Path(path)):
        if step.step == 4:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_a_run_that_draws_goes_on_where_the_clock_last_saved(tmp_path: Path) -> None:
    """A thousand steps are not over: it is by time that the state of step 3 is there."""
    whole, steps = trained(SAVED, UNSAVED)
    path = tmp_path / "state.pt"
    dying = f"from tests.training.test_on_policy import killed_when_late; killed_when_late({str(path)!r})"
    assert subprocess.run([sys.executable, "-c", dying], cwd=ROOT).returncode == -signal.SIGKILL
    assert read_state(path)["step"] == 3
    again, rest = trained(SAVED, UNSAVED, path=path)
    assert [step.step for step in rest] == [4, 5, 6] and rest[-1].reward == steps[-1].reward
    assert torch.equal(whole.shift, again.shift) and torch.equal(whole.matrix, again.matrix)


def test_parts_of_an_update_change_nothing() -> None:
    recipe = Recipe(MarkedPictures(4), PolicyGradient(0.1, kl_weight=0.1))
    plan = dataclasses.replace(PLAN, steps=2)
    whole, parted = ToyPolicy(), ToyPolicy()
    list(train_on_policy(session(whole, recipe, plan)))
    list(train_on_policy(dataclasses.replace(session(parted, recipe, plan), parts=5)))
    assert torch.allclose(whole.shift, parted.shift, atol=1e-6) and bool(whole.shift.any())


@pytest.mark.parametrize("collector", [MarkedPictures(4, share=0.5), PicturePairs()])
def test_a_step_counts_as_the_noise_that_it_adds(collector: Collector) -> None:
    plain, weighed = (
        session(ToyPolicy(), Recipe(collector, PolicyGradient(), by_noise=by_noise), PLAN).draw(3).replay
        for by_noise in (False, True)
    )
    _, std = slopes()
    expected = plain.weights * (std / std.mean())[plain.index]
    assert torch.equal(plain.index, weighed.index) and bool(plain.weights.any())
    torch.testing.assert_close(weighed.weights, expected)


def test_a_reward_that_is_no_number_teaches_nothing_and_a_loss_that_is_none_stops() -> None:
    def unknown(latents: torch.Tensor, row: int, seeds: tuple[int, ...]):
        marks = linear(latents, row, seeds)
        return dataclasses.replace(marks, reward=marks.reward * math.nan)

    recipe = Recipe(MarkedPictures(4), PolicyGradient(clip=0))
    policy, _ = trained(recipe, dataclasses.replace(PLAN, steps=1), unknown)
    assert not bool(policy.shift.any())
    broken = ToyPolicy()
    broken.shift.data.fill_(math.inf)
    with pytest.raises(InputError, match="no longer a number at step 1"):
        trained(recipe, PLAN, policy=broken)
