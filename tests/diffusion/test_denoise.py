"""The loop: bit-identical to stock diffusers, independent of the batch, and mutual information for free."""

from __future__ import annotations

import dataclasses
import itertools
from unittest.mock import patch

import pytest
import torch

from t2ialign.diffusion.denoise import DenoiseStep, denoise, initial_noise
from t2ialign.diffusion.schedulers import stock_class
from t2ialign.guidance import GUIDANCE, begin_guidance
from t2ialign.guidance.cfg import Cfg
from t2ialign.limits import guidance_taken
from t2ialign.samplers import SCHEDULERS
from tests.tiny import SHAPES, SIDE, stock_pipeline

PROMPT, SEEDS, STEPS, SCALE = "a red circle above a blue star", [3, 4, 5], 5, 5.0
every = pytest.mark.parametrize("shape", SHAPES)


def steps(backbone, seeds=SEEDS, scheduler="ddim", count=STEPS, guidance=None, negative="", prompt=PROMPT):
    embeds = [backbone.encode_prompts([text]) for text in (prompt, negative)]
    return denoise(backbone, *embeds, seeds, guidance or Cfg(SCALE), scheduler, count, SIDE, SIDE)


def last(*args, **kwargs) -> DenoiseStep:
    *_, step = steps(*args, **kwargs)
    return step


@pytest.fixture(scope="module")
def pipelines(folders):
    return {shape: stock_pipeline(folder, shape) for shape, folder in folders.items()}


def stock(pipeline, scheduler="ddim", scale=SCALE, **options) -> torch.Tensor:
    """Latents of stock diffusers for the same prompt and seeds, on the scheduler that the menu's entry stands for."""
    choice, config = SCHEDULERS[scheduler], dict(pipeline.scheduler.config)
    original, pipeline.scheduler = pipeline.scheduler, stock_class(choice).from_config({**config, "clip_sample": False})
    try:
        return pipeline(
            PROMPT,
            num_images_per_prompt=len(SEEDS),
            generator=[torch.Generator().manual_seed(seed) for seed in SEEDS],
            num_inference_steps=STEPS,
            guidance_scale=scale,
            height=SIDE,
            width=SIDE,
            output_type="latent",
            **options,
        ).images
    finally:
        pipeline.scheduler = original


@every
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_bit_identical_to_stock_diffusers(shape, scheduler, backbones, pipelines):
    assert torch.equal(last(backbones[shape], scheduler=scheduler).latents, stock(pipelines[shape], scheduler))


@every
@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0])
def test_no_guidance_at_1_and_below_as_in_stock_diffusers(shape, scale, backbones, pipelines):
    """Stock evaluates the prompt alone then, ours both: the same but for the last places."""
    ours = last(backbones[shape], guidance=Cfg(guidance_taken(scale))).latents
    torch.testing.assert_close(ours, stock(pipelines[shape], scale=scale), atol=1e-3, rtol=1e-3)
    assert not torch.allclose(ours, last(backbones[shape], guidance=Cfg(0.5)).latents, atol=1e-3, rtol=1e-3)


@every
def test_bit_identical_with_a_negative_prompt(shape, backbones, pipelines):
    negative = "a small striped ring"
    expected = stock(pipelines[shape], negative_prompt=negative)
    assert torch.equal(last(backbones[shape], negative=negative).latents, expected)
    assert not torch.equal(last(backbones[shape]).latents, expected)


@pytest.mark.parametrize(
    ("shape", "scheduler"),
    [*(("sd-1.5", name) for name in SCHEDULERS), ("sd-2.1-v", "euler_ancestral"), ("sdxl", "dpmsolver++")],
)
def test_a_seed_does_not_depend_on_its_batch(shape, scheduler, backbones):
    """Alone, in threes, in fives and in any order: the same picture within one grey level."""
    backbone, seeds = backbones[shape], [7, 1, 30, 2, 4]
    whole = backbone.decode(last(backbone, seeds, scheduler).latents).int()
    for batch in ([7], [4], [7, 1, 30], [2, 4, 1], [2, 30, 4, 7, 1]):
        pictures = backbone.decode(last(backbone, batch, scheduler).latents).int()
        expected = whole[[seeds.index(seed) for seed in batch]]
        assert (pictures - expected).abs().max() <= 1


def test_pictures_of_different_seeds_differ(backbones):
    latents = last(backbones["sd-1.5"], [1, 2, 3]).latents
    assert all(not torch.allclose(*pair) for pair in itertools.combinations(latents, 2))


def test_noise_is_each_generators_own():
    generators = [torch.Generator().manual_seed(seed) for seed in (5, 6)]
    noise = initial_noise((4, 2, 3), generators)
    for row, seed in enumerate((5, 6)):
        assert torch.equal(noise[row], torch.randn((1, 4, 2, 3), generator=torch.Generator().manual_seed(seed))[0])


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_interleaved_runs_do_not_meet(scheduler, backbones):
    """Two generators that take turns, as side by side in a page, end where each would have ended alone."""
    backbone = backbones["sd-1.5"]
    runs = steps(backbone, [1], scheduler), steps(backbone, [2], scheduler)
    *_, ends = zip(*runs, strict=True)
    for end, seed in zip(ends, (1, 2), strict=True):
        assert torch.equal(end.latents, last(backbone, [seed], scheduler).latents)


@pytest.mark.parametrize(("shape", "name"), [*(("sd-1.5", name) for name in GUIDANCE), ("sdxl", "cfg")])
def test_one_evaluation_a_step(shape, name, backbones):
    """Guidance and mutual information cost nothing beyond the one evaluation on both prompts."""
    backbone = backbones[shape]
    with patch.object(backbone.unet, "forward", wraps=backbone.unet.forward) as forward:
        last(backbone, guidance=begin_guidance(name, SCALE), count=5)
    assert forward.call_count == 5
    assert all(call.args[0].shape[0] == 2 * len(SEEDS) for call in forward.call_args_list)


@every
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_mutual_information_is_the_slow_sum(shape, scheduler, backbones):
    """Recomputed from the trajectory, picture by picture, step by step, prompt by prompt, in float64."""
    backbone = backbones[shape]
    cond, uncond = (backbone.encode_prompts([text]) for text in (PROMPT, ""))
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    signal = torch.cumprod(1 - betas, 0)
    before = initial_noise((4, 4, 4), [torch.Generator().manual_seed(seed) for seed in SEEDS])
    variance_exploding = scheduler.startswith("euler")
    if variance_exploding:  # starts at the first timestep's noise level
        first = next(steps(backbone, scheduler=scheduler))
        start = ((1 - signal) / signal)[round(first.timestep)].sqrt()
        before = before * (start**2 + 1).sqrt().float()
    paper, released = [], []
    for step in steps(backbone, scheduler=scheduler):
        t = round(step.timestep)
        noisy = before * signal[t].sqrt().float() if variance_exploding else before
        predictions = [
            torch.cat([backbone.predict_noise(row[None], t, prompt) for row in noisy]) for prompt in (cond, uncond)
        ]
        if backbone.prediction == "v_prediction":
            predictions = [signal[t].sqrt() * v + (1 - signal[t]).sqrt() * noisy for v in predictions]
        gap = (predictions[0] - predictions[1]).double().square().sum(1)
        paper.append(betas[t] * 1000 / (2 * (1 - betas[t]) * (1 - signal[t])) * gap)
        if t > 50:
            released.append((betas[t] * 1000 / (2 * (1 - signal[t])) * gap).sum((1, 2)))
        close = {"rtol": 2e-3, "atol": 1e-5, "check_dtype": False}
        torch.testing.assert_close(step.mutual_information_map, torch.stack(paper).mean(0), **close)
        torch.testing.assert_close(step.mutual_information, torch.stack(paper).mean(0).sum((1, 2)), **close)
        torch.testing.assert_close(step.mutual_information_released, torch.stack(released).mean(0), **close)
        before = step.latents
    assert (step.mutual_information > 0).all()


def test_released_estimate_needs_a_timestep_above_fifty(backbones):
    step = last(backbones["sd-1.5"], count=1)
    assert step.timestep <= 50
    assert step.mutual_information_released.isnan().all()
    assert (step.mutual_information > 0).all()


@every
def test_no_prompt_no_information(shape, backbones):
    step = last(backbones[shape], prompt="")
    assert not step.mutual_information.any()
    assert not step.mutual_information_map.any()


def test_steps_say_where_they_are(backbones):
    every_step = list(steps(backbones["sd-1.5"]))
    assert [step.index for step in every_step] == list(range(STEPS))
    assert {step.total for step in every_step} == {STEPS}
    assert [step.timestep for step in every_step] == sorted((step.timestep for step in every_step), reverse=True)
    assert not any(tensor.requires_grad for tensor in vars(every_step[-1]).values() if isinstance(tensor, torch.Tensor))
    with pytest.raises(dataclasses.FrozenInstanceError):
        every_step[0].index = 3


def test_the_last_x0_is_the_picture(backbones):
    """DDIM ends at its own prediction of x0, up to the noise of timestep 0 that SD's schedule leaves in."""
    step = last(backbones["sd-1.5"], count=25)
    gap = (step.latents - step.predicted_x0).abs().max() / step.latents.abs().max()
    assert gap < 0.05


def test_guidance_is_told_the_progress(backbones):
    seen = []

    def watching(cond, uncond, progress):
        seen.append(progress)
        return cond

    last(backbones["sd-1.5"], guidance=watching, count=10)
    assert seen == sorted(seen)
    assert 0 <= seen[0] < 0.1
    assert 0.99 < seen[-1] <= 1


def test_half_precision_stays_near(fresh, backbones):
    """bfloat16 networks: the trajectory stays within a few per cent of float32's, from the very same noise."""
    half, exact = (
        last(backbone, count=5, guidance=Cfg(1.0)).latents
        for backbone in (fresh(dtype="bfloat16"), backbones["sd-1.5"])
    )
    assert half.dtype == torch.float32
    assert (half - exact).norm() / exact.norm() < 0.05


def test_steps_may_be_trained_on(backbones):
    """Latents of a rollout go into a graph later (inference tensors would refuse)."""
    latents = last(backbones["sd-1.5"], count=2).latents
    weight = torch.ones((), requires_grad=True)
    (weight * latents).sum().backward()
    assert weight.grad is not None
