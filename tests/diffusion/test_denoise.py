"""The loop: bit-identical to stock diffusers, independent of the batch, and mutual information for free."""

from __future__ import annotations

import dataclasses
import itertools
from unittest.mock import patch

import pytest
import torch

from t2ialign.diffusion.adapters import blend, weakened
from t2ialign.diffusion.attention import recording
from t2ialign.diffusion.denoise import DenoiseStep, denoise, initial_noise
from t2ialign.diffusion.schedulers import stock_class
from t2ialign.diffusion.text import stack
from t2ialign.guidance import GUIDANCE, begin_guidance, needs_of
from t2ialign.guidance.cfg import Cfg
from t2ialign.limits import guidance_taken
from t2ialign.samplers import SCHEDULERS
from t2ialign.types import AdapterUse
from tests.tiny import SHAPES, SIDE, save_tiny_adapter, stock_pipeline

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


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_interleaved_runs_do_not_meet(scheduler, backbones):
    """Two generators that take turns, as side by side in a page, end where each would have ended alone."""
    backbone = backbones["sd-1.5"]
    runs = steps(backbone, [1], scheduler), steps(backbone, [2], scheduler)
    *_, ends = zip(*runs, strict=True)
    for end, seed in zip(ends, (1, 2), strict=True):
        assert torch.equal(end.latents, last(backbone, [seed], scheduler).latents)


@pytest.mark.parametrize(("shape", "name"), [*(("sd-1.5", name) for name in GUIDANCE), ("sdxl", "cfg")])
def test_a_step_costs_what_its_strategy_says(shape, name, backbones):
    """Two evaluations a picture, and mutual information costs nothing; more only where it is declared."""
    backbone = backbones[shape]
    params = {"attend_excite": {"token1": 3.0, "refinements": 0.0}}.get(name, {})
    with patch.object(backbone.unet, "forward", wraps=backbone.unet.forward) as forward:
        last(backbone, guidance=begin_guidance(name, SCALE, params.items()), count=5)
    rows = [call.args[0].shape[0] for call in forward.call_args_list]
    spared = 2 if name == "attend_excite" else 0  # which looks before it leaps in the first three of five steps
    assert sum(rows) == (5 * needs_of(name).evaluations - spared) * len(SEEDS)
    assert len(rows) == 5 or needs_of(name).evaluations > 2


@pytest.mark.parametrize("shape", ["sd-1.5", "sdxl"])
def test_attention_is_recorded_and_changes_nothing(shape, backbones):
    """Every layer's maps over both prompts, whose rows sum to 1; the predictions are those without."""
    backbone = backbones[shape]
    embeds = stack([backbone.encode_prompts([text]) for text in ("", PROMPT)])
    latents = torch.randn(2, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        plain = backbone.predict_noise(latents, 500, embeds)
        with recording(backbone.unet) as maps:
            recorded = backbone.predict_noise(latents, 500, embeds)
        assert torch.equal(backbone.predict_noise(latents, 500, embeds), plain)
    torch.testing.assert_close(recorded, plain, rtol=1e-4, atol=1e-5)
    assert [one.cross for one in maps] == [False, True] * (len(maps) // 2) and len(maps) >= 4
    for one in maps:
        assert one.probs.shape[::2] == (2, embeds.prompt_embeds.shape[1] if one.cross else one.probs.shape[1])
        torch.testing.assert_close(one.probs.sum(-1), torch.ones(one.probs.shape[:2]))


OFF = {
    "cads": {"noise_scale": 0.0},
    "adapter_ramp": {"power": 0.0},
    "latent_particle": {"strength": 0.0},
    "cfg_rescale": {"rescale": 0.0},
    "interval": {"start": 0.0, "stop": 1.0},
}


@pytest.mark.parametrize("name", OFF)
@pytest.mark.parametrize(("shape", "scheduler"), [("sd-2.1-v", "ddpm"), ("sdxl", "euler_ancestral")])
def test_switched_off_a_strategy_is_plain_guidance(shape, scheduler, name, backbones):
    """Bit for bit, and what it draws by itself leaves the scheduler's noise alone."""
    backbone = backbones[shape]
    off, on = begin_guidance(name, SCALE, OFF[name].items()), begin_guidance(name, SCALE)
    plain = last(backbone, scheduler=scheduler).latents
    assert torch.equal(last(backbone, scheduler=scheduler, guidance=off).latents, plain)
    if name != "adapter_ramp":  # there are no adapters here
        assert not torch.equal(last(backbone, scheduler=scheduler, guidance=on).latents, plain)


@pytest.fixture
def tuned(tmp_path, fresh):
    """A backbone of a shape with one adapter of a kind on."""

    def load(shape, kind):
        entry = save_tiny_adapter(tmp_path / f"{shape}-{kind}", kind, shape)
        return blend(fresh(shape), [AdapterUse(entry.name)], {entry.name: entry})

    return load


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "kind"), [("sd-1.5", "lora"), ("sdxl", "dora"), ("sd-2.1-v", "lora")])
@pytest.mark.parametrize("name", ["aig", "adapter_ramp"])
def test_between_the_base_and_the_checkpoint(shape, kind, name, tuned):
    policy = tuned(shape, kind)
    base = weakened(policy, 0.0)

    def ended(view, *params):
        return last(view, guidance=begin_guidance(name, SCALE, params) if params else None).latents

    close = {"rtol": 1e-3, "atol": 1e-4}
    torch.testing.assert_close(ended(policy, ("power", 0.0)), ended(policy), **close)
    torch.testing.assert_close(ended(policy, ("power", 1e6)), ended(base), **close)
    ways = [ended(policy, ("power", power)) for power in (0.0, 1.0, 2.0, 1e6)]
    far = [(way - ways[0]).norm() for way in ways]
    assert far == sorted(far) and far[1] > 0
    assert torch.equal(ended(policy), ended(policy))  # whatever was switched is back


@pytest.mark.slow
def test_autoguidance_looks_at_the_weaker_model(tuned):
    policy = tuned("sd-1.5", "lora")
    guided = [last(policy, guidance=begin_guidance("autoguidance", scale)).latents for scale in (0.0, 1.0, 3.0)]
    close = {"rtol": 1e-3, "atol": 1e-4}
    torch.testing.assert_close(guided[0], last(weakened(policy, 0.0), guidance=Cfg(1.0)).latents, **close)
    torch.testing.assert_close(guided[1], last(policy, guidance=Cfg(1.0)).latents, **close)
    assert not torch.allclose(guided[2], guided[1], atol=0.1)


@pytest.mark.parametrize(("shape", "scheduler"), [("sd-1.5", "ddim"), ("sdxl", "euler_ancestral")])
def test_noise_on_the_prompt_is_each_pictures_own(shape, scheduler, backbones):
    """Under CADS too a picture does not depend on its batch; and its noise is not that of its latents."""
    backbone, cads = backbones[shape], begin_guidance("cads", SCALE)
    whole = backbone.decode(last(backbone, [7, 1, 30], scheduler, guidance=cads).latents).int()
    alone = backbone.decode(last(backbone, [30], scheduler, guidance=cads).latents).int()
    assert (whole[2:] - alone).abs().max() <= 1


@pytest.mark.slow
@every
def test_pictures_of_a_batch_are_pushed_apart(shape, backbones):
    backbone, pushing = backbones[shape], begin_guidance("latent_particle", SCALE)
    plain, pushed = (last(backbone, [1, 2, 3, 4], guidance=guidance).latents for guidance in (None, pushing))
    other = last(backbone, [1, 2, 3, 5], guidance=pushing).latents
    assert not torch.allclose(other[0], pushed[0], atol=1e-3)
    gaps = [torch.pdist(latents.flatten(1)).mean() for latents in (plain, pushed)]
    assert gaps[1] > gaps[0]


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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
