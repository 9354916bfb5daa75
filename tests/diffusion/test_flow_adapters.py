"""Adapters of flow models' transformers: stock diffusers is the authority, in both directions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from t2ialign.diffusion import velocities
from t2ialign.diffusion.adapter_files import read_adapter
from t2ialign.diffusion.adapters import add_adapter, blend, load_adapter, save_adapter
from t2ialign.diffusion.merging import merged_lora
from t2ialign.diffusion.skeleton import skeleton
from t2ialign.registry import CheckpointEntry
from t2ialign.types import AdapterUse, InputError
from tests.tiny import save_tiny_adapter
from tests.tiny_flow import (
    FlowShape,
    flow_entry,
    load_tiny_flow,
    save_flow_adapter,
    stock_flow,
    tiny_transformer,
)

PROMPT = "a red circle"
both = pytest.mark.parametrize("shape", ["sd-3.5", "flux-schnell"])


def stock(folder: Path, shape: FlowShape, adapter: Path, weight: float) -> torch.nn.Module:
    """Stock diffusers' transformer with the adapter at that weight."""
    pipeline = stock_flow.__wrapped__(folder, shape)
    pipeline.load_lora_weights(adapter.parent, weight_name=adapter.name, adapter_name="a")
    pipeline.set_adapters(["a"], [weight])
    return pipeline.transformer


def velocity(backbone, network=None) -> torch.Tensor:
    """What a network predicts for fixed latents; ``network`` takes the place of the backbone's own."""
    drawn = torch.randn(2, 16, 4, 4, generator=torch.Generator().manual_seed(0))
    said = backbone.encode_prompts([PROMPT, "a star"])
    with torch.no_grad():
        if network is None:
            return backbone.predict_noise(drawn, torch.tensor(700.0), said)
        return velocities.velocity(
            network,
            backbone.entry.family,
            velocities.FlowInput(drawn, torch.full((2,), 700.0), said, backbone.embedded_scale),
        )


@pytest.mark.slow
@both
@pytest.mark.parametrize("weight", [1.0, 0.4])
def test_a_lora_is_what_stock_diffusers_makes_of_it(shape, weight, flow_folders, tmp_path):
    entry = save_flow_adapter(tmp_path / "a", shape)
    backbone = load_tiny_flow(flow_folders[shape], shape)
    view = blend(backbone, [AdapterUse("a", weight)], {"a": entry})
    expected = velocity(backbone, stock(flow_folders[shape], shape, entry.adapter, weight))
    torch.testing.assert_close(velocity(view), expected, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(velocity(view), velocity(backbone), atol=1e-3)


@pytest.mark.slow
@both
def test_what_is_trained_here_loads_there(shape, flow_folders, tmp_path):
    """Saved in diffusers' layout for transformers, with its manifest; and read back the same."""
    backbone = load_tiny_flow(flow_folders[shape], shape)
    torch.manual_seed(2)
    policy = add_adapter(backbone, "mine", rank=3, alpha=6)
    for name, parameter in policy.unet.named_parameters():
        if ".lora_B." in name:
            parameter.data.normal_(std=0.3)
    ours = velocity(policy)
    save_adapter(backbone, "mine", tmp_path / "mine", {"title": "Mine"})
    file = tmp_path / "mine" / "pytorch_lora_weights.safetensors"
    assert all(key.startswith("transformer.") for key in load_file(file))
    manifest = json.loads((tmp_path / "mine" / "manifest.json").read_text())
    assert (manifest["kind"], manifest["backbone"]) == ("lora", "tiny")
    torch.testing.assert_close(
        velocity(backbone, stock(flow_folders[shape], shape, file, 1.0)), ours, atol=1e-5, rtol=1e-4
    )
    again = load_tiny_flow(flow_folders[shape], shape)
    view = blend(again, [AdapterUse("mine")], {"mine": CheckpointEntry("mine", "tiny", file, "lora")})
    torch.testing.assert_close(velocity(view), ours, atol=1e-5, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("start", ["transformer.", "", "base_model.model."])
@pytest.mark.parametrize("ends", [("lora_A", "lora_B"), ("lora.down", "lora.up")])
def test_layouts_of_transformers(start, ends, flow_folders, tmp_path):
    """With and without the prefix, peft's, and the spelling of diffusers' first scripts; fp16 too."""
    entry = save_flow_adapter(tmp_path / "a", "sd-3.5")
    backbone = load_tiny_flow(flow_folders["sd-3.5"], "sd-3.5")
    expected = velocity(blend(backbone, [AdapterUse("a")], {"a": entry}))
    named = {}
    for key, tensor in load_file(entry.adapter).items():
        key = key.removeprefix("transformer.").replace("lora_A", ends[0]).replace("lora_B", ends[1])
        named[f"{start}{key}"] = tensor.half() * (1 if "lora_A" in key or "down" in key else 2)  # alpha 8 of rank 4
    save_file(named, tmp_path / "other.safetensors")
    other = CheckpointEntry("other", "tiny", tmp_path / "other.safetensors", "lora")
    found = velocity(blend(backbone, [AdapterUse("other")], {"other": other}))
    torch.testing.assert_close(found, expected, atol=5e-3, rtol=5e-3)


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight", "a layout of flow models that cannot be read here"),
        ("transformer.transformer_blocks.9.attn.to_q.lora_A.weight", "another architecture than tiny"),
        ("transformer.transformer_blocks.0.attn.to_q.hada_w1_a", "is a LoHa of LyCORIS"),
    ],
)
def test_what_has_no_place_is_refused_by_name(key, says, flow_folders, tmp_path):
    save_file({key: torch.zeros(4, 16)}, tmp_path / "a.safetensors")
    backbone = load_tiny_flow(flow_folders["sd-3.5"], "sd-3.5")
    with pytest.raises(InputError, match=says):
        load_adapter(backbone, CheckpointEntry("a", "tiny", tmp_path / "a.safetensors", "lora"))


def test_adapters_of_other_families_are_refused(flow_folders, tmp_path):
    backbone = load_tiny_flow(flow_folders["flux-schnell"], "flux-schnell")
    for entry in (save_flow_adapter(tmp_path / "sd3", "sd-3"), save_tiny_adapter(tmp_path / "unet")):
        with pytest.raises(InputError, match="another architecture than tiny"):
            load_adapter(backbone, entry)


@both
def test_a_skeleton_says_what_fits(shape, flow_folders, tmp_path):
    bare = skeleton(flow_entry(flow_folders[shape], shape))
    entry = save_flow_adapter(tmp_path / "a", shape, "dora")
    (part,) = read_adapter(entry.adapter, entry, bare.unet, bare.encoders)
    assert part.settings["use_dora"] and part.model is bare.unet


@pytest.mark.slow
def test_a_blend_of_loras_is_merged_exactly(flow_folders, tmp_path):
    entries = {name: save_flow_adapter(tmp_path / name, "sd-3", seed=seed) for name, seed in (("a", 1), ("b", 2))}
    backbone = load_tiny_flow(flow_folders["sd-3"], "sd-3")
    uses = [AdapterUse("a", 0.5), AdapterUse("b", -0.3)]
    expected = velocity(blend(backbone, uses, entries))
    save_file(
        {f"transformer.{key}": t for key, t in merged_lora(backbone, uses, entries).tensors.items()},
        tmp_path / "m.safetensors",
    )
    merged = CheckpointEntry("m", "tiny", tmp_path / "m.safetensors", "lora")
    torch.testing.assert_close(
        velocity(blend(backbone, [AdapterUse("m")], {"m": merged})), expected, atol=1e-5, rtol=1e-4
    )


@pytest.mark.slow
def test_a_whole_transformer_takes_the_bases_place(flow_folders, tmp_path):
    """Another one's weights, exactly; half way between; and the base again. One of another architecture is refused."""
    backbone = load_tiny_flow(flow_folders["sd-3"], "sd-3")
    base = velocity(backbone)
    torch.manual_seed(9)
    tiny_transformer("sd-3").save_pretrained(tmp_path / "whole")
    entry = CheckpointEntry("whole", "tiny", tmp_path / "whole", "unet")
    whole, half = (velocity(blend(backbone, [AdapterUse("whole", w)], {"whole": entry})) for w in (1.0, 0.5))
    alone = velocity(backbone, type(backbone.unet).from_pretrained(tmp_path / "whole").eval())
    torch.testing.assert_close(whole, alone, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(half, whole, atol=1e-3)
    assert torch.equal(velocity(backbone), base)
    tiny_transformer("sd-3.5").save_pretrained(tmp_path / "wrong")
    wrong = CheckpointEntry("wrong", "tiny", tmp_path / "wrong", "unet")
    with pytest.raises(InputError, match="another architecture than tiny"):
        blend(backbone, [AdapterUse("wrong")], {"wrong": wrong})
