"""Attend-and-Excite: beside diffusers' pipeline on the same weights, and its pieces by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from t2ialign.diffusion.denoise import denoise
from t2ialign.diffusion.reading import read_prompt
from t2ialign.guidance.attend_excite import THRESHOLDS, AttendExcite, largest, smoothed
from t2ialign.guidance.cfg import Cfg
from t2ialign.guidance.needs import AttentionMap, LatentStep, PromptReading
from t2ialign.types import InputError
from tests.tiny import load_tiny, stock_pipeline

PROMPT, SIDE, STEPS, SEED, TOKENS = "a red circle above a blue star", 64, 10, 3, (3, 7)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tiny") / "sd-1.5"


@pytest.fixture(scope="module")
def stock():
    """Diffusers' own file (imported late: ``tests.tiny`` has to make torchvision importable first)."""
    from diffusers.pipelines.deprecated import stable_diffusion_attend_and_excite as package

    return package.pipeline_stable_diffusion_attend_and_excite


@pytest.fixture(scope="module")
def backbone(folder):
    return load_tiny(folder)


def ours(backbone, strategy, seeds=(SEED,)) -> torch.Tensor:
    embeds = [backbone.encode_prompts([text]) for text in (PROMPT, "")]
    reading = read_prompt(backbone, PROMPT)
    *_, last = denoise(backbone, *embeds, seeds, strategy, "ddim", STEPS, SIDE, SIDE, reading)
    return last.latents


@pytest.mark.slow
@pytest.mark.parametrize(("tokens", "refinements"), [(TOKENS, 2), ((3,), 0)])
def test_as_diffusers_pipeline(tokens, refinements, backbone, folder, stock, monkeypatch):
    """Moved every step of the first half, repeated at three; the pipeline's own limit of repeats is made as short."""
    parts = stock_pipeline(folder, "sd-1.5").components
    parts.pop("image_encoder")
    pipeline = stock.StableDiffusionAttendAndExcitePipeline(**parts, requires_safety_checker=False)
    pipeline.set_progress_bar_config(disable=True)
    refine = pipeline._perform_iterative_refinement_step
    monkeypatch.setattr(
        pipeline,
        "_perform_iterative_refinement_step",
        lambda **said: refine(**said, max_refinement_steps=refinements),
    )
    expected = pipeline(
        PROMPT,
        token_indices=list(tokens),
        num_inference_steps=STEPS,
        guidance_scale=5.0,
        generator=torch.Generator().manual_seed(SEED),
        height=SIDE,
        width=SIDE,
        output_type="latent",
        max_iter_to_alter=STEPS // 2,
        thresholds={int(share * STEPS): least for share, least in THRESHOLDS.items()} if refinements else {},
        attn_res=(4, 4),
        scale_factor=20,
    ).images
    given = dict(zip(("token1", "token2"), map(float, tokens), strict=False))
    found = ours(backbone, AttendExcite(5.0, refinements=float(refinements), **given))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert (found - ours(backbone, Cfg(5.0))).abs().max() > 0.05  # and it did something


@pytest.mark.slow
def test_without_numbers_every_phrases_end_is_meant(backbone):
    assert read_prompt(backbone, PROMPT).things == TOKENS
    short = AttendExcite(5.0, refinements=0)
    assert torch.equal(ours(backbone, short), ours(backbone, replace(short, token1=3.0, token2=7.0)))


@pytest.mark.slow
def test_a_picture_does_not_depend_on_its_batch(backbone):
    strategy = AttendExcite(5.0, refinements=1)
    torch.testing.assert_close(ours(backbone, strategy, (5, SEED))[1:], ours(backbone, strategy), rtol=1e-3, atol=1e-3)


def test_what_names_nothing_is_plain_guidance(backbone):
    embeds = [backbone.encode_prompts([text]) for text in (PROMPT, "")]
    asked = (SEED,), "ddim", 4, SIDE, SIDE
    latents = [
        list(denoise(backbone, *embeds, asked[0], one, *asked[1:]))[-1].latents for one in (AttendExcite(5.0), Cfg(5.0))
    ]
    assert torch.equal(*latents)


def test_smoothed_as_diffusers_does(stock):
    maps = torch.rand(2, 1, 5, 5, generator=torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(maps, (1, 1, 1, 1), mode="reflect")
    expected = torch.cat([stock.GaussianSmoothing()(one[None]) for one in padded])
    torch.testing.assert_close(smoothed(maps), expected)


def test_the_largest_attention_by_hand():
    """Four tokens on 2 x 2 cells; only the middle two count, and one that has it all everywhere has attention 1."""
    probs = torch.zeros(1, 4, 4)
    probs[..., 1] = 1.0
    found = largest([AttentionMap(True, probs)], (1, 2), (8, 8))
    torch.testing.assert_close(found, torch.tensor([1.0, 0.0]))
    with pytest.raises(InputError, match="grid of two cells"):
        largest([AttentionMap(False, probs)], (1,), (8, 8))


def test_goes_downhill_until_enough_and_no_further():
    """Attention is the latents' own numbers: token 1 gains what the gradient gives it, and where all is seen nothing moves."""

    def attend(latents):
        logits = torch.stack([torch.zeros(4), latents.flatten(), torch.zeros(4), torch.zeros(4)], -1)
        return (AttentionMap(True, logits.softmax(-1)[None] / 50),)

    start = torch.zeros(1, 1, 2, 2)
    step = LatentStep(start, 0, 10, PromptReading(), attend)
    moved = AttendExcite(token1=1.0, refinements=0).move(step)
    assert (moved >= start).all() and moved.max() > start.max() and not moved.requires_grad
    late = replace(step, index=9)
    assert torch.equal(AttendExcite(token1=1.0).move(late), start)
    evaluations = []
    watched = replace(step, index=4, attend=lambda latents: evaluations.append(1) or attend(latents))
    AttendExcite(token1=1.0, refinements=3).move(watched)
    assert len(evaluations) == 4  # one, and three repeats, for 0.8 is out of reach


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"step_size": -1.0}, "not negative"),
        ({"until": 2.0}, "until from 0 to 1"),
        ({"refinements": 0.5}, "whole number from 0 to 100"),
        ({"token1": -1.0}, "1 is the prompt's first"),
        ({"token2": 1.5}, "whole numbers"),
    ],
)
def test_refusals(params, says):
    with pytest.raises(InputError, match=says):
        AttendExcite(**params).begin()
