"""What an adapter adds to a text encoder loads and counts, in every layout, as stock diffusers has it."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch
from peft import LoraConfig, get_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from t2ialign.adapter_places import adapter_sha
from t2ialign.content import sha_of
from t2ialign.diffusion.adapters import add_adapter, blend, reference
from t2ialign.diffusion.merging import merged_lora
from t2ialign.registry import CheckpointEntry
from t2ialign.types import AdapterUse, InputError
from tests.tiny import save_tiny_adapter, stock_pipeline, tiny_text_encoder, tiny_unet

PROMPT = "a red star"
OLD = {"q_proj": "to_q_lora", "k_proj": "to_k_lora", "v_proj": "to_v_lora", "out_proj": "to_out_lora"}


def text_tensors(seed: int, projection: bool, rank: int = 4, dora: bool = False) -> dict[str, Tensor]:
    """A random adapter of a tiny text encoder under the names that transformers gave its modules until version 5."""
    torch.manual_seed(seed)
    encoder = tiny_text_encoder(projection)
    targets = ["q_proj", "k_proj", "v_proj", "out_proj", "fc1"]
    config = LoraConfig(r=rank, lora_alpha=rank, target_modules=targets, use_dora=dora, init_lora_weights="gaussian")
    encoder.add_adapter(config)
    found = get_peft_model_state_dict(encoder, adapter_name="default")
    return {
        f"text_model.{key.removeprefix('text_model.')}": tensor + 0.3 * torch.randn_like(tensor)
        for key, tensor in found.items()
    }


def of_peft(tensors: dict[str, Tensor], number: int) -> dict[str, Tensor]:
    start = "text_encoder_2" if number else "text_encoder"
    return {f"{start}.{key}": tensor for key, tensor in tensors.items()}


def kohya(tensors: dict[str, Tensor], number: int, alone: bool) -> dict[str, Tensor]:
    start = "lora_te_" if alone else f"lora_te{number + 1}_"
    found = {}
    for key, tensor in tensors.items():
        module, part = key.removesuffix(".weight").rsplit(".", 1)
        side = {"lora_A": "lora_down.weight", "lora_B": "lora_up.weight", "lora_magnitude_vector": "dora_scale"}[part]
        found[f"{start}{module.replace('.', '_')}.{side}"] = tensor
        found[f"{start}{module.replace('.', '_')}.alpha"] = torch.tensor(2.0)
    return found


def before_peft(tensors: dict[str, Tensor], number: int) -> dict[str, Tensor]:
    found = {}
    for key, tensor in of_peft(tensors, number).items():
        for new, old in OLD.items():
            key = key.replace(f"{new}.lora_A", f"{old}.down").replace(f"{new}.lora_B", f"{old}.up")
        found[key.replace("lora_A", "lora_linear_layer.down").replace("lora_B", "lora_linear_layer.up")] = tensor
    return found


LAYOUTS: dict[str, Callable[[dict[str, Tensor], int, bool], dict[str, Tensor]]] = {
    "peft": lambda tensors, number, alone: of_peft(tensors, number),
    "before-peft": lambda tensors, number, alone: before_peft(tensors, number),
    "kohya": kohya,
}


def with_text(
    entry: CheckpointEntry, shape: str, layout: str, unet: bool = True, dora: bool = False
) -> CheckpointEntry:
    """An adapter's file with parts for the shape's text encoders, without metadata."""
    with safe_open(entry.adapter, framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()} if unet else {}  # noqa: SIM118
    if layout == "kohya":  # diffusers does not mix them
        tensors = {}
    numbers = (0, 1) if shape == "sdxl" else (0,)
    for number in numbers:
        part = text_tensors(3 + number, projection=number == 1, dora=dora)
        tensors |= LAYOUTS[layout](part, number, len(numbers) == 1)
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, entry.adapter)
    return entry


def assert_same_matrices(ours: nn.Module, stock: nn.Module, scale: float) -> None:
    """The one adapter of both has the same matrices on the same layers; ours has this scale on each."""
    tuned = {name: module for name, module in ours.named_modules() if isinstance(module, LoraLayer)}
    theirs = {name: module for name, module in stock.named_modules() if isinstance(module, LoraLayer)}
    assert tuned.keys() == theirs.keys() and tuned
    for name, module in tuned.items():
        assert set(module.scaling.values()) == {scale}, name
        for part in ("lora_A", "lora_B"):
            (one,), (other,) = (getattr(layer, part).values() for layer in (module, theirs[name]))
            assert torch.equal(one.weight, other.weight), name


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["sd-1.5", "sdxl"])
def test_kohya_s_convolutions_and_text_encoders_in_one_file(shape: str, tmp_path, fresh, folders) -> None:
    """As sd-scripts and LyCORIS' LoCon save them, without alphas: every layer is where stock diffusers has it."""
    entry, tensors = save_tiny_adapter(tmp_path / "a", shape=shape), {}
    torch.manual_seed(9)
    for name, layer in tiny_unet(shape).named_modules():
        if name.endswith(
            (".conv1", ".conv2", ".conv_shortcut", ".to_q", ".proj_in", ".time_emb_proj", "samplers.0.conv")
        ):
            key, (out, inner, *kernel) = f"lora_unet_{name.replace('.', '_')}", layer.weight.shape
            tensors[f"{key}.lora_down.weight"] = torch.randn(2, inner, *kernel)
            tensors[f"{key}.lora_up.weight"] = torch.randn(out, 2, *(1 for _ in kernel))
    for number in (0, 1) if shape == "sdxl" else (0,):
        part = kohya(text_tensors(3 + number, projection=number == 1), number, shape != "sdxl")
        tensors |= {key: tensor for key, tensor in part.items() if not key.endswith("alpha")}
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, entry.adapter)
    pipeline = stock_pipeline(folders[shape], shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline.load_lora_weights(entry.adapter.parent, adapter_name="a")
    view = blend(fresh(shape), [AdapterUse("a")], {"a": entry})
    assert_same_matrices(view.unet, pipeline.unet, scale=1.0)
    assert_same_matrices(view.text.encoders[0], pipeline.text_encoder, scale=1.0)
    if shape == "sdxl":
        assert_same_matrices(view.text.encoders[1], pipeline.text_encoder_2, scale=1.0)


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["sd-1.5", "sdxl"])
@pytest.mark.parametrize("layout", ["peft", "kohya"])
def test_embeddings_are_those_of_stock_diffusers(shape: str, layout: str, tmp_path, fresh, folders) -> None:
    entry = with_text(save_tiny_adapter(tmp_path / "a", shape=shape), shape, layout)
    pipeline = stock_pipeline(folders[shape], shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline.load_lora_weights(entry.adapter.parent, adapter_name="a")
    view = blend(fresh(shape), [AdapterUse("a")], {"a": entry})
    ours = view.encode_prompts([PROMPT])
    found = pipeline.encode_prompt(PROMPT, device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=False)
    if (
        layout == "kohya"
    ):  # stock diffusers may lose a file's alphas (2 of rank 4 here), so matrices and scales are compared
        theirs = [getattr(pipeline, name) for name in ("text_encoder", "text_encoder_2") if hasattr(pipeline, name)]
        for encoder, stock in zip(view.text.encoders, theirs, strict=True):
            assert_same_matrices(encoder, stock, scale=0.5)
        return
    torch.testing.assert_close(ours.prompt_embeds, found[0], rtol=0, atol=1e-6)
    if shape == "sdxl":
        torch.testing.assert_close(ours.pooled_prompt_embeds, found[2], rtol=0, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["sd-1.5", "sdxl"])
def test_every_layout_of_a_text_part_is_one(shape: str, tmp_path, fresh) -> None:
    backbone = fresh(shape)
    base = backbone.encode_prompts([PROMPT]).prompt_embeds
    found = {}
    for layout in LAYOUTS:
        entry = save_tiny_adapter(tmp_path / "a", shape=shape)
        view = blend(
            backbone, [AdapterUse("a", 2.0 if layout == "kohya" else 1.0)], {"a": with_text(entry, shape, layout)}
        )
        found[layout] = view.encode_prompts([PROMPT]).prompt_embeds
    assert not torch.allclose(found["peft"], base, atol=1e-2)
    for layout in ("before-peft", "kohya"):  # kohya's alpha is half the rank
        torch.testing.assert_close(found[layout], found["peft"], rtol=0, atol=1e-6)
    assert torch.equal(blend(backbone, []).encode_prompts([PROMPT]).prompt_embeds, base), "and off is off"


@pytest.mark.slow
def test_a_weight_of_zero_and_the_reference_are_the_base(tmp_path, fresh) -> None:
    entry = with_text(save_tiny_adapter(tmp_path / "a"), "sd-1.5", "peft")
    backbone = fresh()
    base = backbone.encode_prompts([PROMPT]).prompt_embeds
    view = blend(backbone, [AdapterUse("a")], {"a": entry})
    assert not torch.equal(view.encode_prompts([PROMPT]).prompt_embeds, base)
    assert torch.equal(
        blend(backbone, [AdapterUse("a", 0.0)], {"a": entry}).encode_prompts([PROMPT]).prompt_embeds, base
    )
    with reference(view):
        assert torch.equal(view.encode_prompts([PROMPT]).prompt_embeds, base)


@pytest.mark.slow
def test_a_dora_s_embeddings_are_blended_as_its_predictions_are(tmp_path, fresh) -> None:
    entry = with_text(save_tiny_adapter(tmp_path / "a", "dora"), "sd-1.5", "peft", dora=True)
    backbone = fresh()
    base, full, half = (
        blend(backbone, [AdapterUse("a", weight)], {"a": entry}).encode_prompts([PROMPT]).prompt_embeds
        for weight in (0.0, 1.0, 0.5)
    )
    assert not torch.allclose(base, full, atol=1e-2)
    torch.testing.assert_close(half, (base + full) / 2)


def test_an_adapter_of_the_text_encoder_alone_is_one(tmp_path, fresh) -> None:
    entry = with_text(save_tiny_adapter(tmp_path / "a"), "sd-1.5", "peft", unet=False)
    backbone = fresh()
    view = blend(backbone, [AdapterUse("a")], {"a": entry})
    assert not torch.equal(view.encode_prompts([PROMPT]).prompt_embeds, backbone.encode_prompts([PROMPT]).prompt_embeds)


@pytest.mark.slow
def test_training_and_merging_would_lose_the_text_part_and_say_so(tmp_path, fresh) -> None:
    entry = with_text(save_tiny_adapter(tmp_path / "a"), "sd-1.5", "peft")
    backbone = fresh()
    with pytest.raises(InputError, match="a adapts a text encoder too, and only adapters of the UNet are trained"):
        add_adapter(backbone, "new", start=entry)
    with pytest.raises(InputError, match="a adapts a text encoder too, and only adapters of the UNet are merged"):
        merged_lora(backbone, [AdapterUse("a")], {"a": entry})


def test_a_text_part_counts_in_the_identity(tmp_path) -> None:
    """Pictures that were made while such parts were left out are others."""
    entry = save_tiny_adapter(tmp_path / "a")
    with safe_open(entry.adapter, framework="pt") as file:
        plain = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    before = adapter_sha(entry.adapter)
    assert before == sha_of(entry.adapter)
    save_file(plain | {"text_encoder.x.lora_A.weight": torch.zeros(1, 1)}, entry.adapter)
    assert adapter_sha(entry.adapter) not in {before, sha_of(entry.adapter)}
