"""Pictures drawn with every step kept: the steps are diffusers' own, and their likelihoods are torch's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from diffusers import DDIMScheduler

from t2ialign.diffusion.backbone import Backbone
from t2ialign.diffusion.noise import gaussian_kl
from t2ialign.training.chains import chain_of, noise_share
from t2ialign.training.data import prompt_data
from t2ialign.training.guided import guided_policy
from t2ialign.training.rollouts import picture_seed, walk
from tests.training.conftest import PROMPTS
from tests.training.toy import CHAIN, STEPS, ToyPolicy


@pytest.mark.parametrize("shape", ["sd-1.5", "sd-2.1-v"])
def test_the_steps_are_those_of_diffusers(policy: Callable[..., Backbone], shape: str) -> None:
    backbone = policy(shape)
    chain = chain_of(backbone, 7)
    stock = DDIMScheduler.from_config({**backbone.scheduler_config, "clip_sample": False, "prediction_type": "epsilon"})
    stock.set_timesteps(7)
    assert torch.equal(stock.timesteps, chain.timesteps) and chain.noisy == 7
    draw = torch.Generator().manual_seed(0)
    latents, noise, added = (torch.randn(2, 4, 8, 8, generator=draw) for _ in range(3))
    for index, timestep in enumerate(stock.timesteps):
        theirs = stock.step(noise, timestep, latents, eta=1.0, variance_noise=added).prev_sample
        mean, std = chain.step(noise, latents, torch.full((2,), index))
        torch.testing.assert_close(mean + std * added, theirs, rtol=1e-4, atol=1e-5)


def test_a_steps_share_of_the_noise_is_that_of_diffusers_variance(policy: Callable[..., Backbone]) -> None:
    backbone = policy("sd-1.5")
    chain, stock = chain_of(backbone, 7), DDIMScheduler.from_config(backbone.scheduler_config)
    stock.set_timesteps(7)
    every = stock.config.num_train_timesteps // 7
    std = torch.stack([stock._get_variance(timestep, timestep - every) for timestep in stock.timesteps]).sqrt()
    torch.testing.assert_close(noise_share(chain), std / std.mean(), rtol=1e-4, atol=1e-5)
    share = noise_share(chain)
    assert float(share[-2]) < 0.2 < 1 < float(share[0]), "the last steps add next to nothing"


def test_a_steps_likelihood_is_that_of_torch() -> None:
    policy, seeds = ToyPolicy(), (3, 5, 8)
    policy.shift.data.normal_(generator=torch.Generator().manual_seed(0))
    paths = walk(policy, CHAIN, 0, seeds)
    assert paths.latents.shape == (STEPS + 1, 3, 2, 1, 1) and paths.log_probs.shape == (STEPS, 3)
    rows = torch.zeros(3, dtype=torch.long)
    with torch.no_grad():
        for index, timestep in enumerate(CHAIN.timesteps):
            noise = policy.predict(paths.latents[index], timestep.expand(3), rows)
            mean, std = CHAIN.step(noise, paths.latents[index], torch.full((3,), index))
            theirs = torch.distributions.Normal(mean, std.expand_as(mean)).log_prob(paths.latents[index + 1])
            torch.testing.assert_close(paths.log_probs[index], theirs.mean((1, 2, 3)))


def test_the_kl_of_two_steps_is_that_of_torch() -> None:
    one, other = torch.randn(2, 4, 3, 2, 2, generator=torch.Generator().manual_seed(1))
    std = torch.tensor([0.1, 0.5, 1.0, 2.0])[:, None, None, None]
    normal = torch.distributions.Normal
    theirs = torch.distributions.kl_divergence(normal(one, std.expand_as(one)), normal(other, std.expand_as(one)))
    torch.testing.assert_close(gaussian_kl(one, other, std), theirs.mean((1, 2, 3)))


def test_a_seeds_picture_is_the_same_in_any_company() -> None:
    together, alone = walk(ToyPolicy(), CHAIN, 0, (1, 2, 3)), walk(ToyPolicy(), CHAIN, 0, (2,))
    torch.testing.assert_close(together.latents[:, 1], alone.latents[:, 0])
    assert len({picture_seed(seed, step, group) for seed in range(3) for step in range(3) for group in range(3)}) == 27


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "scale"), [("sd-1.5", 3.0), ("sd-2.1-v", 3.0), ("sdxl", 1.0)])
def test_a_backbones_policy_is_its_guided_noise_and_its_reference_the_base(
    policy: Callable[..., Backbone], shape: str, scale: float
) -> None:
    view = policy(shape)
    data = prompt_data(view, PROMPTS)
    assert len(data) == 3 and data.latents.numel() == 0 and len(data.sha) == 64
    guided = guided_policy(view, data.prompts, scale, "float32")
    latents = torch.randn(2, *view.latent_shape(32, 32), generator=torch.Generator().manual_seed(0))
    times, rows = torch.tensor([900, 20]), torch.tensor([2, 0])
    with torch.no_grad():
        found = guided.predict(latents, times, rows)
        bars = guided.schedule[times][:, None, None, None]
        outputs = [
            view.predict_noise(latents, times, view.encode_prompts(words))
            for words in ([PROMPTS[2], PROMPTS[0]], ["", ""])
        ]
    cond, uncond = outputs
    output = uncond + scale * (cond - uncond)
    expected = output if view.prediction == "epsilon" else bars.sqrt() * output + (1 - bars).sqrt() * latents
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(guided.predict_reference(latents, times, rows), found, rtol=1e-4, atol=1e-4)
    assert guided.predict(latents, times, rows).requires_grad
    assert not guided.predict_reference(latents, times, rows).requires_grad
