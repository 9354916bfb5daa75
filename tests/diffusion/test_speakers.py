"""FLUX.2, Qwen-Image and Sana, tiny and random: embeddings, latents and pictures are those of diffusers' own pipelines."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from t2ialign.diffusion.backbone import Backbone, load_backbone
from t2ialign.diffusion.denoise import denoise
from t2ialign.diffusion.generate import generate
from t2ialign.diffusion.language_models import FEWEST
from t2ialign.diffusion.preview import preview
from t2ialign.diffusion.text import stack, unread_words
from t2ialign.guidance import begin_guidance
from t2ialign.registry import BackboneEntry
from t2ialign.types import GenerationConfig, InputError, Prompt, SeedBatch
from tests.tiny_language import (
    FAMILY,
    SIDE,
    SPEAKER_SHAPES,
    SpeakerShape,
    load_tiny_speaker,
    save_tiny_speaker,
    speaker_entry,
    stock_speaker,
)

PROMPT, NEGATIVE, SEEDS, STEPS = "a red circle above a blue star", "a ring", (3, 4), 4
every = pytest.mark.parametrize("shape", SPEAKER_SHAPES)


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[SpeakerShape], Path]:
    root = tmp_path_factory.mktemp("speakers")

    def made(shape: SpeakerShape) -> Path:
        return root / shape if (root / shape).exists() else save_tiny_speaker(root / shape, shape)

    return made


@pytest.fixture(scope="module")
def loaded(folder_of) -> Callable[[SpeakerShape], Backbone]:
    known: dict[str, Backbone] = {}

    def made(shape: SpeakerShape) -> Backbone:
        if shape not in known:
            known[shape] = load_tiny_speaker(folder_of(shape), shape)
        return known[shape]

    return made


def scaled(shape: SpeakerShape, scale: float, negative: str) -> dict[str, object]:
    """How a stock pipeline is asked for guidance of that scale."""
    if shape == "qwen-image":
        return {"true_cfg_scale": scale, "negative_prompt": negative}
    said: dict[str, object] = {"guidance_scale": scale}
    if shape.startswith("sana"):
        said |= {"use_resolution_binning": False, "negative_prompt": negative}
    return said


def theirs(folder: Path, shape: SpeakerShape, side=(SIDE, SIDE), kind="latent", negative="", scale=4.0) -> torch.Tensor:
    return stock_speaker(folder, shape)(
        prompt=PROMPT,
        num_images_per_prompt=len(SEEDS),
        generator=[torch.Generator().manual_seed(seed) for seed in SEEDS],
        num_inference_steps=STEPS,
        height=side[0],
        width=side[1],
        output_type=kind,
        **scaled(shape, scale, negative),
    ).images


def strategy(shape: SpeakerShape) -> str:
    return "cfg_norm" if shape == "qwen-image" else "cfg"


def sampler(shape: SpeakerShape) -> str:
    return "dpmsolver++" if shape == "sana-dpm" else "ddim"


def ours(backbone: Backbone, shape: SpeakerShape, side=(SIDE, SIDE), negative="", scale=4.0):
    embeds = backbone.encode_prompts([PROMPT]), backbone.encode_prompts([negative], negative=True)
    guidance = begin_guidance(strategy(shape), scale)
    steps = denoise(backbone.told(scale), *embeds, SEEDS, guidance, sampler(shape), STEPS, *side)
    return list(steps)[-1]


def as_theirs(latents: torch.Tensor, shape: SpeakerShape, vae) -> torch.Tensor:
    """Our latents in the form in which each pipeline gives its own out."""
    n, c, h, w = latents.shape
    if shape == "flux2-dev":
        return latents.reshape(n, c, h * w).permute(0, 2, 1)
    if shape == "qwen-image":
        cells = latents.reshape(n, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5)
        return cells.reshape(n, h * w // 4, 4 * c)
    if shape == "flux2-klein":
        latents = latents * torch.sqrt(vae.bn.running_var.view(1, -1, 1, 1) + 1e-4) + vae.bn.running_mean.view(
            1, -1, 1, 1
        )
        return latents.reshape(n, c // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, c // 4, 2 * h, 2 * w)
    return latents


@every
@pytest.mark.parametrize("side", [(SIDE, SIDE), (SIDE, 2 * SIDE)])
def test_latents_are_stock_diffusers_bit_for_bit(shape, side, folder_of, loaded):
    negative = "" if shape.startswith("flux2") else NEGATIVE
    found = ours(loaded(shape), shape, side, negative)
    expected = theirs(folder_of(shape), shape, side, negative=negative)
    assert torch.equal(as_theirs(found.latents, shape, loaded(shape).vae), expected)
    assert shape == "flux2-dev" or (found.mutual_information > 0).all()


@every
def test_pictures_too(shape, folder_of, loaded):
    config = GenerationConfig(
        "tiny",
        guidance=strategy(shape),
        guidance_scale=3.0,
        scheduler=sampler(shape),
        num_inference_steps=STEPS,
        height=SIDE,
        width=SIDE,
    )
    (batch,) = [one for one in generate(loaded(shape), Prompt(PROMPT), config, SEEDS) if isinstance(one, SeedBatch)]
    expected = torch.from_numpy((theirs(folder_of(shape), shape, kind="np", scale=3.0) * 255).round()).movedim(-1, 1)
    assert torch.equal(batch.images, expected.to(torch.uint8))


@every
def test_embeddings_are_stock_diffusers(shape, folder_of, loaded):
    """Of a long prompt too, whose end is cut; a negative one is read as the pipeline reads it."""
    pipeline, backbone = stock_speaker(folder_of(shape), shape), loaded(shape)
    for text in (PROMPT, "a red circle " * 200):
        found = backbone.encode_prompts([text])
        if shape.startswith("sana"):
            told = inspect.signature(type(pipeline).__call__).parameters["complex_human_instruction"].default
            tokens, mask, *_ = pipeline.encode_prompt(text, False, complex_human_instruction=told)
            assert torch.equal(found.mask, mask.bool())
        else:
            tokens, _ = pipeline.encode_prompt(text)
        assert torch.equal(found.prompt_embeds, tokens)
    if shape.startswith("sana"):
        _, _, tokens, mask = pipeline.encode_prompt(PROMPT, True, negative_prompt=NEGATIVE)
        negative = backbone.encode_prompts([NEGATIVE], negative=True)
        assert torch.equal(negative.prompt_embeds, tokens) and torch.equal(negative.mask, mask.bool())


@every
def test_what_it_does_not_read_is_said(shape, folder_of, loaded):
    """The same from the folder alone; everything before it is read: a prompt that ends there loses nothing."""
    long = " ".join(f"{number} rings" for number in range(300))
    (cut,) = loaded(shape).encode_prompts([long]).truncated
    assert cut and long.endswith(cut) and unread_words(folder_of(shape), long) == cut
    read = long.removesuffix(cut).strip()
    assert len(read.encode()) > FEWEST and unread_words(folder_of(shape), read) == ""
    first, second = (
        loaded(shape).encode_prompts([text]).prompt_embeds for text in (long, f"{read} {cut[: len(cut) // 2]}")
    )
    assert first.shape == second.shape and loaded(shape).encode_prompts([PROMPT]).truncated == ("",)


def test_prompts_of_several_lengths_are_read_as_each_alone(loaded):
    """Qwen-Image has as many rows as a prompt has tokens: others in its batch leave it alone."""
    backbone = loaded("qwen-image")
    latents = torch.randn(3, 16, 4, 6, generator=torch.Generator().manual_seed(0))
    texts = [PROMPT, "a ring", PROMPT]
    together = backbone.encode_prompts(texts)
    assert together.mask.sum(1).tolist() == [together.mask.shape[1], together.mask[1].sum(), together.mask.shape[1]]
    found = backbone.predict_noise(latents, torch.tensor([900.0, 500.0, 20.0]), together)
    for row, text in enumerate(texts):
        alone = backbone.encode_prompts([text])
        expected = backbone.predict_noise(latents[row : row + 1], torch.tensor([900.0, 500.0, 20.0])[row], alone)
        torch.testing.assert_close(found[row : row + 1], expected, atol=1e-5, rtol=1e-5)
    halves = stack([backbone.encode_prompts([text]) for text in ("a ring", PROMPT)]).halves()
    assert torch.equal(
        halves[0].prompt_embeds[:, : int(halves[0].mask.sum())], backbone.encode_prompts(["a ring"]).prompt_embeds
    )


@every
def test_encoding_is_undone_by_decoding(shape, loaded):
    """On latents that decode to something: encoded again by the stock formulas."""
    backbone = loaded(shape)
    images = torch.randint(0, 256, (2, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    latents = backbone.encode(images)
    assert latents.shape == (2, *backbone.latent_shape(SIDE, SIDE))
    pixels, vae = images.float() / 127.5 - 1, backbone.vae
    with torch.no_grad():
        if shape.startswith("flux2"):
            expected = _flux2_encoded(vae, pixels)
        elif shape == "qwen-image":
            found = vae.encode(pixels[:, :, None]).latent_dist.mean[:, :, 0]
            mean, std = (
                torch.tensor(vae.config[name])[None, :, None, None] for name in ("latents_mean", "latents_std")
            )
            expected = (found - mean) / std
        else:
            expected = vae.encode(pixels).latent * vae.config.scaling_factor
    torch.testing.assert_close(latents, expected)
    assert preview(backbone, latents).shape[1] == 3


def _flux2_encoded(vae, pixels):
    from diffusers import Flux2Pipeline

    squares = Flux2Pipeline._patchify_latents(vae.encode(pixels).latent_dist.mode())
    std = torch.sqrt(vae.bn.running_var.view(1, -1, 1, 1) + vae.config.batch_norm_eps)
    return (squares - vae.bn.running_mean.view(1, -1, 1, 1)) / std


@every
def test_a_seed_does_not_depend_on_its_batch(shape, loaded):
    config = GenerationConfig("tiny", scheduler=sampler(shape), num_inference_steps=STEPS, height=SIDE, width=SIDE)
    whole, alone = (
        [one for one in generate(loaded(shape), Prompt(PROMPT), config, seeds) if isinstance(one, SeedBatch)][0]
        for seeds in ((7, 1, 30), (30,))
    )
    assert (whole.images[2:].int() - alone.images.int()).abs().max() <= 1


def test_the_prompt_is_asked_for_alone_where_the_network_guides_by_itself(loaded, monkeypatch):
    backbone = loaded("flux2-dev")
    forward, asked = backbone.unet.forward, []
    monkeypatch.setattr(
        backbone.unet, "forward", lambda **said: asked.append(said["guidance"].tolist()) or forward(**said)
    )
    config = GenerationConfig("tiny", guidance_scale=2.5, num_inference_steps=2, height=SIDE, width=SIDE)
    list(generate(backbone, Prompt(PROMPT), config, SEEDS))
    assert asked == [[2.5, 2.5]] * 2


def test_sana_is_sampled_by_either_scheduler_on_either_schedule(loaded):
    """The same noise levels by both, whichever of the two its repository was saved with."""
    for name, stock in (("ddim", "FlowMatchEulerDiscreteScheduler"), ("dpmsolver++", "DPMSolverMultistepScheduler")):
        runs = [loaded(shape).begin(name, 8, SIDE, SIDE) for shape in ("sana", "sana-dpm")]
        assert {type(run.scheduler).__name__ for run in runs} == {stock}
        torch.testing.assert_close(runs[0].scheduler.sigmas, runs[1].scheduler.sigmas)
    with pytest.raises(InputError, match="choose ddim or euler, which are one and the same step there, or dpmsolver"):
        config = GenerationConfig("tiny", scheduler="unipc", height=SIDE, width=SIDE)
        list(generate(loaded("sana"), Prompt(PROMPT), config, SEEDS))
    with pytest.raises(InputError, match="choose ddim or euler, which are one and the same step there"):
        config = GenerationConfig("tiny", scheduler="dpmsolver++", height=SIDE, width=SIDE)
        list(generate(loaded("qwen-image"), Prompt(PROMPT), config, SEEDS))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ZImagePipeline", "is a ZImagePipeline, and that family cannot be drawn with here"),
        ("SanaSprintPipeline", "is a SanaSprintPipeline, and that family cannot be drawn with here"),
        ("QwenImageEditPipeline", "is a QwenImageEditPipeline, and that family cannot be drawn with here"),
        ("Flux2KleinPipeline", "says family 'flux2': write 'flux2-klein'"),
    ],
)
def test_other_pipelines_are_refused_by_name(name, says, tmp_path):
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": name}))
    with pytest.raises(InputError, match=says):
        load_backbone(BackboneEntry("tiny", "flux2", tmp_path, size=SIDE, prediction="flow"), "cpu", "float32")


def test_a_network_that_has_the_scale_for_an_input_must_be_said_to(folder_of):
    entry = dataclasses.replace(speaker_entry(folder_of("flux2-dev"), "flux2-dev"), embedded_scale=False)
    with pytest.raises(InputError, match="embedded_scale = true"):
        load_backbone(entry, "cpu", "float32")
    assert {FAMILY[shape] for shape in SPEAKER_SHAPES} == {"flux2", "flux2-klein", "qwenimage", "sana"}
