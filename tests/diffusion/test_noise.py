"""The maths of one step against hand-worked numbers, diffusers' schedulers and torch's own distributions."""

from __future__ import annotations

import math

import pytest
import torch

from t2ialign.diffusion.noise import (
    add_noise,
    ddim_step,
    epsilon_gap,
    gaussian_log_prob,
    kappa,
    kappa_released,
    output_of,
    predicted_x0,
)
from t2ialign.diffusion.schedulers import begin_run
from t2ialign.samplers import SCHEDULERS

SD = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
    "set_alpha_to_one": False,
}


def one(value: float) -> torch.Tensor:
    return torch.full((1, 1, 1, 1), value)


def random(seed: int, n: int = 3) -> torch.Tensor:
    return torch.randn(n, 4, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_by_hand():
    """a = 0.64: x_t = 0.8 x_0 + 0.6 noise, v = 0.8 noise - 0.6 x_0; with x_0 = 2 and noise = 1, x_t 2.2 and v -0.4."""
    a, x_t, v = 0.64, one(2.2), one(-0.4)
    assert add_noise(one(2.0), one(1.0), a).item() == pytest.approx(2.2)
    assert predicted_x0(one(1.0), x_t, a, "epsilon").item() == pytest.approx(2.0)
    assert predicted_x0(v, x_t, a, "v_prediction").item() == pytest.approx(2.0)


def test_scalars_may_be_tensors():
    a = torch.tensor([0.2, 0.5, 0.9])[:, None, None, None]
    together = predicted_x0(random(0), random(1), a, "v_prediction")
    for row, alone in enumerate((0.2, 0.5, 0.9)):
        expected = predicted_x0(random(0)[row : row + 1], random(1)[row : row + 1], alone, "v_prediction")
        torch.testing.assert_close(together[row : row + 1], expected)


def test_kappa_by_hand():
    """beta 0.01, a-bar 0.75: 0.01 * 1000 / (2 * 0.25) = 20 as released; divided by alpha 0.99 in the paper."""
    assert kappa_released(0.01, 0.75) == pytest.approx(20.0)
    assert kappa(0.01, 0.75) == pytest.approx(20.0 / 0.99)
    assert kappa(0.01, 0.75, 500) == pytest.approx(10.0 / 0.99)


@pytest.mark.parametrize(("timestep", "released"), [(0, 500.0), (51, 11.2), (500, 3.3), (999, 6.0)])
def test_kappa_on_stable_diffusions_schedule(timestep: int, released: float):
    """The values that MI-TUNE's published weights take, which is why it leaves out the first fifty."""
    scheduler = begin_run(SD, "ddim", 10, "cpu").scheduler
    value = kappa_released(float(scheduler.betas[timestep]), float(scheduler.alphas_cumprod[timestep]))
    assert value == pytest.approx(released, rel=0.02)


def test_gap_of_velocities_is_the_gap_of_their_noises():
    """Salimans & Ho 2022: the noise of a velocity v at x_t is sqrt(a) v + sqrt(1 - a) x_t."""
    latents, first, second = random(0), random(1), random(2)
    noises = [0.3**0.5 * v + 0.7**0.5 * latents for v in (first, second)]
    expected = epsilon_gap(*noises, 0.3, "epsilon")
    torch.testing.assert_close(epsilon_gap(first, second, 0.3, "v_prediction"), expected)
    torch.testing.assert_close(expected.sum((1, 2)), (noises[0] - noises[1]).square().flatten(1).sum(1))


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("name", ["ddim", "ddpm", "euler", "euler_ancestral"])
def test_x0_is_the_schedulers(name: str, prediction: str):
    """At every step, what we call predicted x0 is what diffusers' scheduler says it is."""
    run = begin_run({**SD, "prediction_type": prediction}, name, 7, "cpu")
    latents = random(0) * run.scheduler.init_noise_sigma
    for index, timestep in enumerate(run.timesteps):
        output, noisy = random(index), run.scheduler.scale_model_input(latents, timestep)
        x0 = predicted_x0(output, noisy, run.alpha_bar(index), prediction)
        step = run.scheduler.step(output, timestep, latents, generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(x0, step.pred_original_sample, rtol=1e-4, atol=1e-4)
        latents = step.prev_sample


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("name", ["dpmsolver++", "unipc"])
def test_x0_is_the_solvers(name: str, prediction: str):
    """Multistep solvers keep predicted x0 as their converted model output."""
    run = begin_run({**SD, "prediction_type": prediction}, name, 7, "cpu")
    latents = random(0)
    for index, timestep in enumerate(run.timesteps):
        x0 = predicted_x0(random(index), latents, run.alpha_bar(index), prediction)
        latents = run.step(random(index), timestep, latents, [torch.Generator() for _ in range(3)])
        torch.testing.assert_close(x0, run.scheduler.model_outputs[-1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_x0_is_the_consistency_model_s(prediction: str):
    """LCM's own estimate is c_out x0 + c_skip x_t (Song et al. 2023, eq. 5)."""
    run = begin_run({**SD, "prediction_type": prediction}, "lcm", 4, "cpu")
    latents = random(0)
    for index, timestep in enumerate(run.timesteps):
        output = random(index)
        skip, out = run.scheduler.get_scalings_for_boundary_condition_discrete(timestep)
        step = run.scheduler.step(output, timestep, latents, generator=torch.Generator().manual_seed(0))
        x0 = predicted_x0(output, latents, run.alpha_bar(index), prediction)
        torch.testing.assert_close(out * x0 + skip * latents, step.denoised, rtol=1e-4, atol=1e-4)
        latents = step.prev_sample


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_ddim_step_is_the_schedulers(eta: float):
    run = begin_run(SD, "ddim", 20, "cpu")
    scheduler, timestep = run.scheduler, run.timesteps[5]
    previous = int(timestep) - 1000 // 20
    epsilon, latents, noise = random(0), random(1), random(2)
    mean, std = ddim_step(epsilon, latents, run.alpha_bar(5), float(scheduler.alphas_cumprod[previous]), eta)
    expected = scheduler.step(epsilon, timestep, latents, eta=eta, variance_noise=noise).prev_sample
    torch.testing.assert_close(mean + std * noise, expected, rtol=1e-5, atol=1e-5)


def test_log_prob_is_the_normal_distributions():
    sample, mean = random(0), random(1)
    expected = torch.distributions.Normal(mean, 0.3).log_prob(sample).mean((1, 2, 3))
    torch.testing.assert_close(gaussian_log_prob(sample, mean, 0.3), expected)
    assert gaussian_log_prob(one(0.0), one(0.0), 1.0).item() == pytest.approx(-0.5 * math.log(2 * math.pi))


def test_every_scheduler_is_tested_above():
    assert set(SCHEDULERS) == {"ddim", "ddpm", "euler", "euler_ancestral", "dpmsolver++", "unipc", "lcm"}


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_the_output_that_sees_a_picture(prediction: str):
    """What a model says is turned into the picture that it sees, and back."""
    output, latents = (torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    x0 = predicted_x0(output, latents, 0.3, prediction)
    torch.testing.assert_close(output_of(x0, latents, 0.3, prediction), output, rtol=1e-4, atol=1e-5)
