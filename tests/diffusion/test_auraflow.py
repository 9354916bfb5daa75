"""AuraFlow, tiny and random: latents, pictures and adapters are those of diffusers' own pipeline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from t2ialign.diffusion.adapters import add_adapter, blend, save_adapter
from t2ialign.diffusion.backbone import load_backbone
from t2ialign.diffusion.denoise import denoise
from t2ialign.diffusion.generate import generate
from t2ialign.diffusion.skeleton import skeleton
from t2ialign.diffusion.text import unread_words
from t2ialign.guidance.cfg import Cfg
from t2ialign.registry import BackboneEntry, CheckpointEntry
from t2ialign.types import AdapterUse, GenerationConfig, InputError, Prompt, SeedBatch
from tests.tiny import SIDE, tiny_vae
from tests.tiny_flow import JOINT, scheduler_of, tiny_t5

PROMPT, SEEDS, STEPS, SCALE = "a red circle above a blue star", [3, 4], 4, 5.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    from diffusers import AuraFlowPipeline, AuraFlowTransformer2DModel

    torch.manual_seed(0)
    tokenizer, encoder = tiny_t5()
    network = AuraFlowTransformer2DModel(
        sample_size=SIDE // 8,
        num_mmdit_layers=1,
        num_single_dit_layers=1,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=JOINT,
        caption_projection_dim=16,
        pos_embed_max_size=64,
    )
    for parameter in (p for name, p in network.named_parameters() if "norm" in name and p.ndim > 1):
        parameter.data *= 3  # a random network's modulation is faint
    found = tmp_path_factory.mktemp("auraflow")
    AuraFlowPipeline(tokenizer, encoder, tiny_vae(), network, scheduler_of("sd-3")).save_pretrained(found)
    return found


@pytest.fixture(scope="module")
def entry(folder) -> BackboneEntry:
    return BackboneEntry("tiny", "auraflow", folder, size=SIDE, prediction="flow")


@pytest.fixture(scope="module")
def backbone(entry):
    return load_backbone(entry, "cpu", "float32")


@pytest.fixture(scope="module")
def stock(folder):
    from diffusers import AuraFlowPipeline

    pipeline = AuraFlowPipeline.from_pretrained(folder)
    pipeline.transformer.requires_grad_(False)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def theirs(pipeline, side=(SIDE, SIDE), kind="latent", **more):
    return pipeline(
        PROMPT,
        num_images_per_prompt=len(SEEDS),
        generator=[torch.Generator().manual_seed(seed) for seed in SEEDS],
        num_inference_steps=STEPS,
        guidance_scale=SCALE,
        height=side[0],
        width=side[1],
        output_type=kind,
        **more,
    ).images


def ours(backbone, side=(SIDE, SIDE), negative=""):
    embeds = [backbone.encode_prompts([text]) for text in (PROMPT, negative)]
    return list(denoise(backbone, *embeds, SEEDS, Cfg(SCALE), "ddim", STEPS, *side))[-1]


@pytest.mark.parametrize("side", [(SIDE, SIDE), (SIDE, 2 * SIDE)])
@pytest.mark.parametrize("negative", ["", "a ring"])
def test_bit_identical_to_stock_diffusers(side, negative, backbone, stock):
    found = ours(backbone, side, negative)
    assert torch.equal(found.latents, theirs(stock, side, negative_prompt=negative))
    assert found.mutual_information.isfinite().all() and (found.mutual_information > 0).all()


def test_pictures_too(backbone, stock):
    config = GenerationConfig("tiny", guidance_scale=SCALE, num_inference_steps=STEPS, height=SIDE, width=SIDE)
    events = generate(backbone, Prompt(PROMPT), config, tuple(SEEDS))
    (batch,) = [one for one in events if isinstance(one, SeedBatch)]
    expected = torch.from_numpy((theirs(stock, kind="np") * 255).round()).permute(0, 3, 1, 2).to(torch.uint8)
    assert torch.equal(batch.images, expected)


@pytest.mark.slow
def test_an_adapter_trained_here_loads_there(entry, folder, tmp_path):
    from diffusers import AuraFlowPipeline

    backbone = load_backbone(entry, "cpu", "float32")
    plain = ours(backbone).latents
    torch.manual_seed(2)
    policy = add_adapter(backbone, "mine", rank=3, alpha=6)
    for name, parameter in policy.unet.named_parameters():
        if ".lora_B." in name:
            parameter.data.normal_()
    expected = ours(policy).latents
    save_adapter(backbone, "mine", tmp_path / "mine", {"title": "Mine"})
    file = tmp_path / "mine" / "pytorch_lora_weights.safetensors"
    pipeline = AuraFlowPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.load_lora_weights(file.parent, weight_name=file.name)
    torch.testing.assert_close(theirs(pipeline), expected, rtol=1e-3, atol=1e-4)
    assert (expected - plain).abs().max() > 1e-2
    fresh = load_backbone(entry, "cpu", "float32")
    view = blend(fresh, [AdapterUse("mine")], {"mine": CheckpointEntry("mine", "tiny", file, "lora")})
    torch.testing.assert_close(ours(view).latents, expected, rtol=1e-4, atol=1e-5)
    assert (
        not skeleton(entry).encoders and json.loads((tmp_path / "mine" / "manifest.json").read_text())["kind"] == "lora"
    )


def test_what_it_does_not_read_is_said(folder):
    long = "a red circle " * 100
    assert unread_words(folder, PROMPT) == "" and "circle" in unread_words(folder, long)


def test_a_picture_beyond_the_places_of_its_network_is_refused(backbone):
    """Of a wide one stock diffusers takes other rows' numbers in silence; 64 places are a square of 8, each of 16 pixels."""
    assert backbone.latent_shape(128, 64) == (4, 16, 8)
    with pytest.raises(InputError, match="tiny draws at most 128 pixels a side, not 144"):
        backbone.latent_shape(64, 144)
