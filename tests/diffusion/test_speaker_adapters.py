"""Adapters of FLUX.2, Qwen-Image and Sana: stock diffusers is the authority, in both directions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from t2ialign.diffusion import velocities
from t2ialign.diffusion.adapter_files import read_adapter
from t2ialign.diffusion.adapter_layouts import one_layout
from t2ialign.diffusion.adapters import add_adapter, blend, load_adapter, save_adapter
from t2ialign.diffusion.flux_layouts import DOUBLE_2, OTHERS_2, SINGLE_2
from t2ialign.diffusion.skeleton import skeleton
from t2ialign.registry import CheckpointEntry
from t2ialign.types import AdapterUse, InputError
from tests.tiny_language import (
    SpeakerShape,
    load_tiny_speaker,
    save_speaker_adapter,
    save_tiny_speaker,
    speaker_entry,
    stock_speaker,
    tiny_network,
)

SHAPES: tuple[SpeakerShape, ...] = ("flux2-dev", "qwen-image", "sana")
every = pytest.mark.parametrize("shape", SHAPES)
RANK, ALPHA = 4, 2.0


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("speakers")
    return {shape: save_tiny_speaker(root / shape, shape) for shape in SHAPES}


def velocity(backbone, network=None) -> torch.Tensor:
    """What a network predicts for fixed latents; ``network`` takes the place of the backbone's own."""
    drawn = torch.randn(2, *backbone.latent_shape(64, 64), generator=torch.Generator().manual_seed(0))
    said = backbone.encode_prompts(["a red circle", "a star"])
    with torch.no_grad():
        if network is None:
            return backbone.predict_noise(drawn, torch.tensor(700.0), said)
        asked = velocities.FlowInput(drawn, torch.full((2,), 700.0), said, backbone.embedded_scale)
        return velocities.velocity(network, backbone.entry.family, asked)


def stock(folder: Path, shape: SpeakerShape, file: Path, weight: float) -> torch.nn.Module:
    """Stock diffusers' transformer with the adapter at that weight."""
    pipeline = stock_speaker.__wrapped__(folder, shape)
    pipeline.load_lora_weights(file.parent, weight_name=file.name, adapter_name="a")
    pipeline.set_adapters(["a"], [weight])
    return pipeline.transformer


@pytest.mark.slow
@every
@pytest.mark.parametrize("weight", [1.0, 0.4])
def test_a_lora_is_what_stock_diffusers_makes_of_it(shape, weight, folders, tmp_path):
    entry = save_speaker_adapter(tmp_path / "a", shape)
    backbone = load_tiny_speaker(folders[shape], shape)
    view = blend(backbone, [AdapterUse("a", weight)], {"a": entry})
    expected = velocity(backbone, stock(folders[shape], shape, entry.adapter, weight))
    torch.testing.assert_close(velocity(view), expected, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(velocity(view), velocity(backbone), atol=1e-3)


@pytest.mark.slow
@every
def test_what_is_trained_here_loads_there(shape, folders, tmp_path):
    backbone = load_tiny_speaker(folders[shape], shape)
    torch.manual_seed(2)
    policy = add_adapter(backbone, "mine", rank=3, alpha=6)
    for name, parameter in policy.unet.named_parameters():
        if ".lora_B." in name:
            parameter.data.normal_(std=0.3)
    ours = velocity(policy)
    save_adapter(backbone, "mine", tmp_path / "mine", {"title": "Mine"})
    file = tmp_path / "mine" / "pytorch_lora_weights.safetensors"
    assert all(key.startswith("transformer.") for key in load_file(file))
    assert json.loads((tmp_path / "mine" / "manifest.json").read_text())["kind"] == "lora"
    torch.testing.assert_close(velocity(backbone, stock(folders[shape], shape, file, 1.0)), ours, atol=1e-5, rtol=1e-4)
    again = load_tiny_speaker(folders[shape], shape)
    view = blend(again, [AdapterUse("mine")], {"mine": CheckpointEntry("mine", "tiny", file, "lora")})
    torch.testing.assert_close(velocity(view), ours, atol=1e-5, rtol=1e-4)


@every
def test_a_skeleton_says_what_fits(shape, folders, tmp_path):
    bare = skeleton(speaker_entry(folders[shape], shape))
    entry = save_speaker_adapter(tmp_path / "a", shape, "dora")
    (part,) = read_adapter(entry.adapter, entry, bare.unet, bare.encoders)
    assert part.settings["use_dora"] and part.model is bare.unet and not bare.encoders


def test_adapters_of_other_families_are_refused(folders, tmp_path):
    backbone = load_tiny_speaker(folders["sana"], "sana")
    with pytest.raises(InputError, match="another architecture than tiny"):
        load_adapter(backbone, save_speaker_adapter(tmp_path / "a", "qwen-image"))


FLUX_2 = (
    *(f"double_blocks_0_{name}" for name in DOUBLE_2),
    *(f"single_blocks_0_{name}" for name in SINGLE_2),
    *OTHERS_2,
)


def parts_of(name: str) -> tuple[str, ...]:
    kind, _, layer = name.partition("_blocks_0_")
    if kind == "double":
        return tuple(f"transformer_blocks.0.{part}" for part in DOUBLE_2[layer])
    if kind == "single":
        return tuple(f"single_transformer_blocks.0.{part}" for part in SINGLE_2[layer])
    return (OTHERS_2[name],)


def written(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A random file of kohya's for FLUX.2."""
    draw, layers = torch.Generator().manual_seed(0), dict(network.named_modules())
    found = {}
    for name in FLUX_2:
        weights = [layers[part].weight for part in parts_of(name)]
        found[f"lora_unet_{name}.lora_down.weight"] = torch.randn(RANK, weights[0].shape[1], generator=draw)
        up = torch.randn(sum(weight.shape[0] for weight in weights), RANK, generator=draw)
        found[f"lora_unet_{name}.lora_up.weight"] = up
        found[f"lora_unet_{name}.alpha"] = torch.tensor(ALPHA)
    return found


def dotted(key: str) -> str:
    """The same layer as ComfyUI and ai-toolkit spell it."""
    name, _, ending = key.removeprefix("lora_unet_").partition(".")
    for old, new in (
        ("blocks_0_", "blocks.0."),
        ("attn_", "attn."),
        ("mlp_", "mlp."),
        ("_in_in_", "_in.in_"),
        ("_in_out_", "_in.out_"),
        ("final_layer_", "final_layer."),
        ("modulation_1", "modulation.1"),
        ("_lin", ".lin") if "stream" in name else ("", ""),
    ):
        name = name.replace(old, new) if old else name
    return f"diffusion_model.{name}.{ending}".replace("lora_down", "lora_A").replace("lora_up", "lora_B")


def changes(tensors, alphas) -> dict[str, torch.Tensor]:
    """What each layer's weight is changed by."""
    modules = {key.removesuffix(".lora_A.weight") for key in tensors if key.endswith(".lora_A.weight")}
    return {
        name: alphas.get(name, RANK) / RANK * tensors[f"{name}.lora_B.weight"] @ tensors[f"{name}.lora_A.weight"]
        for name in modules
    }


def test_flux_2_under_its_makers_names_as_diffusers_converters_have_it():
    """But for the last modulation, whose halves diffusers swaps in a model's weights and forgets to swap in a LoRA's."""
    from diffusers.loaders import lora_conversion_utils as stock_names

    network = tiny_network("flux2-dev")
    named = written(network)
    found = one_layout(named, network, "a", "tiny")
    ours = changes(found.tensors, found.alphas)
    assert len(ours) == sum(len(parts_of(name)) for name in FLUX_2)
    comfy = {dotted(key): tensor for key, tensor in named.items() if not key.endswith(".alpha")}
    spelled = one_layout(comfy, network, "a", "tiny")
    stock = stock_names._convert_non_diffusers_flux2_lora_to_diffusers(dict(comfy))
    expected = changes({key.removeprefix("transformer."): tensor for key, tensor in stock.items()}, {})
    theirs = changes(spelled.tensors, spelled.alphas)
    assert ours.keys() == theirs.keys() == expected.keys()
    for name, change in theirs.items():
        swapped = torch.cat(expected[name].chunk(2)[::-1]) if name == "norm_out.linear" else expected[name]
        torch.testing.assert_close(change, swapped)
        torch.testing.assert_close(ours[name], ALPHA / RANK * change)


SPELLINGS = {
    "kohya": lambda module: "lora_unet_" + module.replace(".", "_"),
    "comfy": lambda module: "diffusion_model." + module,
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_qwen_image_in_others_spellings_as_diffusers_converter_has_it(spelling):
    from diffusers.loaders import lora_conversion_utils as stock_names

    network = tiny_network("qwen-image")
    layers = {name: module for name, module in network.named_modules() if isinstance(module, torch.nn.Linear)}
    picked = [name for name in layers if name.startswith("transformer_blocks.1") and "mod" not in name] + [
        "img_in",
        "proj_out",
    ]
    draw, named = torch.Generator().manual_seed(0), {}
    for name in picked:
        out, inner = layers[name].weight.shape
        start = SPELLINGS[spelling](name)
        named[f"{start}.lora_down.weight"] = torch.randn(RANK, inner, generator=draw)
        named[f"{start}.lora_up.weight"] = torch.randn(out, RANK, generator=draw)
        named[f"{start}.alpha"] = torch.tensor(ALPHA)
    found = one_layout(named, network, "a", "tiny")
    stock = stock_names._convert_non_diffusers_qwen_lora_to_diffusers(dict(named))
    expected = changes({key.removeprefix("transformer."): tensor for key, tensor in stock.items()}, {})
    ours = changes(found.tensors, found.alphas)
    assert ours.keys() == expected.keys() == set(picked)
    for name, change in ours.items():
        torch.testing.assert_close(change, expected[name])


def test_a_whole_transformer_takes_the_bases_place(folders, tmp_path):
    backbone = load_tiny_speaker(folders["sana"], "sana")
    base = velocity(backbone)
    torch.manual_seed(9)
    tiny_network("sana").save_pretrained(tmp_path / "whole")
    entry = CheckpointEntry("whole", "tiny", tmp_path / "whole", "unet")
    whole = velocity(blend(backbone, [AdapterUse("whole")], {"whole": entry}))
    alone = velocity(backbone, type(backbone.unet).from_pretrained(tmp_path / "whole").eval())
    torch.testing.assert_close(whole, alone, atol=1e-5, rtol=1e-4)
    assert torch.equal(velocity(backbone), base) and not torch.allclose(whole, base, atol=1e-3)


def test_lycoris_and_layers_that_are_not_there_are_refused(folders, tmp_path):
    backbone = load_tiny_speaker(folders["qwen-image"], "qwen-image")
    for key, says in (
        ("lora_unet_transformer_blocks_9_attn_to_q.lora_down.weight", "cannot be read here"),
        ("lycoris_transformer_blocks_0_attn_to_q.lokr_w1", "LoKr|cannot be read here"),
        ("transformer.transformer_blocks.9.attn.to_q.lora_A.weight", "another architecture than tiny"),
    ):
        save_file({key: torch.zeros(4, 16)}, tmp_path / "a.safetensors")
        with pytest.raises(InputError, match=says):
            load_adapter(backbone, CheckpointEntry("a", "tiny", tmp_path / "a.safetensors", "lora"))
