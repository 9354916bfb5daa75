"""LoRAs of FLUX.1 in kohya's and others' layouts: diffusers' converter is the authority where it keeps what it reads."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from t2ialign.diffusion.adapter_layouts import one_layout
from t2ialign.diffusion.adapters import blend, load_adapter
from t2ialign.diffusion.flux_layouts import DOUBLE, OTHERS, SINGLE
from t2ialign.registry import CheckpointEntry
from t2ialign.types import AdapterUse, InputError
from tests.tiny_flow import load_tiny_flow, tiny_transformer

RANK, ALPHA = 4, 2.0
KOHYA = (
    *(f"double_blocks_0_{name}" for name in DOUBLE),
    *(f"single_blocks_0_{name}" for name in SINGLE),
    *(name for name in OTHERS if "guidance" not in name),
)


def full_width() -> torch.nn.Module:
    """One block of either kind as wide as FLUX.1's, without numbers: what diffusers' converter takes for granted."""
    from diffusers import FluxTransformer2DModel

    with torch.device("meta"):
        return FluxTransformer2DModel(num_layers=1, num_single_layers=1)


def parts_of(name: str) -> tuple[str, ...]:
    kind, _, layer = name.partition("_blocks_0_")
    if kind == "double":
        return tuple(f"transformer_blocks.0.{part}" for part in DOUBLE[layer])
    if kind == "single":
        return tuple(f"single_transformer_blocks.0.{part}" for part in SINGLE[layer])
    return (OTHERS[name],)


def written(network: torch.nn.Module, names=KOHYA, dora: bool = False) -> dict[str, torch.Tensor]:
    """A random file of kohya's for a network; of every layer its alpha."""
    draw, layers = torch.Generator().manual_seed(0), dict(network.named_modules())
    found = {}
    for name in names:
        weights = [layers[part].weight for part in parts_of(name)]
        out, start = sum(weight.shape[0] for weight in weights), f"lora_unet_{name}"
        found[f"{start}.lora_down.weight"] = torch.randn(RANK, weights[0].shape[1], generator=draw)
        found[f"{start}.lora_up.weight"] = 0.3 * torch.randn(out, RANK, generator=draw)
        found[f"{start}.alpha"] = torch.tensor(ALPHA)
        if dora:
            found[f"{start}.dora_scale"] = torch.rand(out, 1, generator=draw) + 0.5
    return found


def changes(tensors, alphas) -> dict[str, torch.Tensor]:
    """What each layer's weight change makes of random inputs, more of them than two changes of that rank can hide from."""
    modules = {key.removesuffix(".lora_A.weight") for key in tensors if key.endswith(".lora_A.weight")}
    found = {}
    for name in modules:
        up, down = tensors[f"{name}.lora_B.weight"], tensors[f"{name}.lora_A.weight"]
        inputs = torch.randn(down.shape[1], 4 * RANK, generator=torch.Generator().manual_seed(1)) / down.shape[1] ** 0.5
        found[name] = alphas.get(name, RANK) / RANK * up @ (down @ inputs)
    return found


@pytest.mark.slow
def test_every_layer_as_diffusers_converter_has_it():
    """But for the last layer's, whose alphas it drops: there the change is that of rank, half of it here."""
    from diffusers.loaders import lora_conversion_utils

    network = full_width()
    named = written(network, [name for name in KOHYA if not name.startswith("txt_mod")])
    found = one_layout(named, network, "a", "tiny")
    stock = lora_conversion_utils._convert_kohya_flux_lora_to_diffusers(dict(named))
    expected = changes({key.removeprefix("transformer."): tensor for key, tensor in stock.items()}, {})
    ours = changes(found.tensors, found.alphas)
    assert ours.keys() == expected.keys() and len(ours) == sum(len(parts_of(name)) for name in KOHYA)
    for name, change in ours.items():
        dropped = ALPHA / RANK if name in ("proj_out", "norm_out.linear") else 1.0
        torch.testing.assert_close(change, dropped * expected[name], rtol=1e-4, atol=1e-5)


SPELLINGS = {
    "kohya": lambda key: key,
    "comfy": lambda key: "diffusion_model." + dotted(key),
    "peft": lambda key: "base_model.model." + dotted(key),
    "bare": lambda key: dotted(key),
}


def dotted(key: str) -> str:
    name, _, ending = key.removeprefix("lora_unet_").partition(".")
    for old, new in (("blocks_0_", "blocks.0."), ("attn_", "attn."), ("mlp_", "mlp."), ("mod_lin", "mod.lin")):
        name = name.replace(old, new)
    return f"{name.replace('modulation_lin', 'modulation.lin')}.{ending}".replace("lora_down", "lora_A").replace(
        "lora_up", "lora_B"
    )


@pytest.mark.slow
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_draws_the_same(spelling, flow_folders, tmp_path):
    """On a tiny model: its weights with the fused changes put in by hand."""
    backbone = load_tiny_flow(flow_folders["flux-schnell"], "flux-schnell")
    names = [name for name in KOHYA if "blocks" in name]
    named = written(backbone.unet, names)
    save_file({SPELLINGS[spelling](key): tensor for key, tensor in named.items()}, tmp_path / "a.safetensors")
    entry = CheckpointEntry("a", "tiny", tmp_path / "a.safetensors", "lora")
    latents = torch.randn(1, 16, 4, 4, generator=torch.Generator().manual_seed(1))
    said = backbone.encode_prompts(["a red circle"])
    with torch.no_grad():
        found = blend(backbone, [AdapterUse("a")], {"a": entry}).predict_noise(latents, torch.tensor(500.0), said)
        by_hand = load_tiny_flow(flow_folders["flux-schnell"], "flux-schnell")
        layers = dict(by_hand.unet.named_modules())
        for name in names:
            up, down = named[f"lora_unet_{name}.lora_up.weight"], named[f"lora_unet_{name}.lora_down.weight"]
            fused, row = ALPHA / RANK * up @ down, 0
            for part in parts_of(name):
                height = layers[part].weight.shape[0]
                layers[part].weight += fused[row : row + height]
                row += height
        expected = by_hand.predict_noise(latents, torch.tensor(500.0), said)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_a_doras_magnitudes_are_shared_out():
    network = tiny_transformer("flux-dev")
    named = written(network, ("double_blocks_0_img_attn_qkv", "final_layer_adaLN_modulation_1"), dora=True)
    found = one_layout(named, network, "a", "tiny").tensors
    scale = named["lora_unet_double_blocks_0_img_attn_qkv.dora_scale"].flatten()
    parts = [found[f"transformer_blocks.0.attn.to_{part}.lora_magnitude_vector"] for part in "qkv"]
    assert torch.equal(torch.cat(parts), scale)
    last = named["lora_unet_final_layer_adaLN_modulation_1.dora_scale"].flatten()
    assert torch.equal(found["norm_out.linear.lora_magnitude_vector"], torch.cat(last.chunk(2)[::-1]))


def test_kohyas_own_with_diffusers_names():
    network = tiny_transformer("flux-dev")
    width = network.transformer_blocks[0].attn.to_q.weight.shape[1]
    start = "lora_transformer_transformer_blocks_0_attn_to_q"
    named = {
        f"{start}.lora_down.weight": torch.ones(2, width),
        f"{start}.lora_up.weight": torch.ones(width, 2),
        f"{start}.alpha": torch.tensor(1.0),
    }
    found = one_layout(named, network, "a", "tiny")
    assert found.alphas == {"transformer_blocks.0.attn.to_q": 1.0} and len(found.tensors) == 2


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("lora_unet_double_blocks_9_img_attn_qkv.lora_down.weight", "another architecture than tiny"),
        ("lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight", "another architecture than tiny"),
        ("double_blocks.0.processor.qkv_lora1.down.weight", "a layout of flow models that cannot be read"),
        ("lora_unet_joint_blocks_0_x_block_attn_qkv.lora_down.weight", "a layout of flow models that cannot be read"),
    ],
)
def test_what_has_no_place_is_refused_by_name(key, says, flow_folders, tmp_path):
    save_file({key: torch.zeros(5, 16)}, tmp_path / "a.safetensors")
    backbone = load_tiny_flow(flow_folders["flux-schnell"], "flux-schnell")
    with pytest.raises(InputError, match=says):
        load_adapter(backbone, CheckpointEntry("a", "tiny", tmp_path / "a.safetensors", "lora"))
