"""Runs of the menu's samplers: any number of steps, a fresh memory each time, noise from each picture's generator."""

from __future__ import annotations

import pytest
import torch

from t2ialign.diffusion.schedulers import begin_run, stock_class
from t2ialign.samplers import SCHEDULERS
from t2ialign.types import InputError
from tests.diffusion.test_noise import SD, random

every = pytest.mark.parametrize("name", SCHEDULERS)


def each_with(*counts: int):
    """Every scheduler with each of these numbers of steps that it can take."""
    cases = [(name, n) for name, choice in SCHEDULERS.items() for n in counts if n <= choice.most_steps]
    return pytest.mark.parametrize(("name", "steps"), cases)


def walk(name: str, steps: int, seeds: list[int]) -> torch.Tensor:
    """Latents at the end of a run whose model predicts a tenth of what it sees."""
    run = begin_run(SD, name, steps, "cpu")
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    latents = torch.cat([torch.randn(1, 4, 8, 8, generator=generator) for generator in generators])
    latents = latents * run.scheduler.init_noise_sigma
    for index, timestep in enumerate(run.timesteps):
        assert 0 < run.alpha_bar(index) < 1
        assert 0 < run.beta(index) < 0.02
        noisy = run.scheduler.scale_model_input(latents, timestep)
        latents = run.step(0.1 * noisy, timestep, latents, generators)
    return latents


@each_with(1, 2, 3, 25, 334, 999, 1000)
def test_any_number_of_steps(name: str, steps: int):
    assert torch.isfinite(walk(name, steps, [0, 1])).all()


@each_with(5, 25, 50, 100, 300, 334, 400, 501, 700, 998, 999, 1000)
def test_a_run_starts_near_noise_and_ends_near_the_picture(name: str, steps: int):
    """With diffusers' whole-numbered strides 334 steps would start at timestep 667, 501 at 501."""
    timesteps = begin_run(SD, name, steps, "cpu").timesteps
    assert len(timesteps) == steps
    assert 800 <= timesteps[0] <= 999
    assert 0 <= timesteps[-1] <= 1000 / steps + 1 if steps > 5 else True
    assert (timesteps.diff() < 0).all()


@every
def test_spacing_is_stock_for_usual_numbers_of_steps(name: str):
    stock = stock_class(SCHEDULERS[name]).from_config(SD)
    for steps in (n for n in (1, 2, 4, 10, 20, 25, 50, 100, 200, 250) if n <= SCHEDULERS[name].most_steps):
        stock.set_timesteps(steps)
        assert torch.equal(begin_run(SD, name, steps, "cpu").timesteps, stock.timesteps)


@every
def test_no_memory_of_the_last_run(name: str):
    assert torch.equal(walk(name, 6, [0, 1]), walk(name, 6, [0, 1]))


@every
def test_noise_is_drawn_for_each_picture(name: str):
    together = walk(name, 6, [3, 4, 5])
    for row, seed in enumerate([3, 4, 5]):
        assert torch.equal(together[row : row + 1], walk(name, 6, [seed]))
    assert torch.equal(walk(name, 6, [5, 3, 4]), together[[2, 0, 1]])


@pytest.mark.parametrize(
    ("name", "draws"), [("ddim", False), ("euler", False), ("ddpm", True), ("euler_ancestral", True), ("lcm", True)]
)
def test_who_adds_noise(name: str, draws: bool):
    run, latents = begin_run(SD, name, 6, "cpu"), random(0)
    results = []
    for seed in (1, 2):
        run = begin_run(SD, name, 6, "cpu")
        generators = [torch.Generator().manual_seed(seed)] * 3
        results.append(run.step(0.1 * latents, run.timesteps[0], latents, generators))
    assert torch.equal(*results) is not draws


def test_latents_are_not_clipped():
    """diffusers clips predicted x0 to [-1, 1] unless told otherwise, which is meant for pixels."""
    for name in ("ddim", "ddpm"):
        run = begin_run(SD, name, 10, "cpu")
        latents = 5 * random(0)
        step = run.scheduler.step(torch.zeros_like(latents), run.timesteps[-1], latents)
        assert step.pred_original_sample.abs().max() > 5


def test_a_distilled_scheduler_takes_few_steps():
    with pytest.raises(InputError, match="The scheduler lcm takes at most 50 steps, not 51"):
        begin_run(SD, "lcm", 51, "cpu")


def test_unknown_name():
    with pytest.raises(InputError, match="did you mean 'euler'"):
        begin_run(SD, "eular", 10, "cpu")
