"""Every layout in which the field writes LoRAs is the same adapter as stock diffusers makes of it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping

import pytest
import torch
from diffusers.utils import convert_state_dict_to_diffusers
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from t2ialign.diffusion.adapter_layouts import one_layout
from t2ialign.diffusion.adapters import blend
from t2ialign.registry import CheckpointEntry
from t2ialign.types import AdapterUse, InputError
from tests.diffusion.test_adapters import predict
from tests.tiny import save_tiny_adapter, stock_pipeline

Tensors = dict[str, Tensor]
LORA, DORA = "lora", "dora"
SGM = {  # tiny SDXL's attention blocks as Stability's code counts them
    "down_blocks.1.attentions.0": "input_blocks_3_1",
    "mid_block.attentions.0": "middle_block_1",
    "up_blocks.0.attentions.0": "output_blocks_0_1",
    "up_blocks.0.attentions.1": "output_blocks_1_1",
}


def tensors_of(entry: CheckpointEntry) -> Tensors:
    with safe_open(entry.adapter, framework="pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118


def scripts(tensors: Tensors) -> Tensors:
    """As diffusers' own training scripts save."""
    plain = {key.removeprefix("unet."): tensor for key, tensor in tensors.items()}
    return {f"unet.{key}": tensor for key, tensor in convert_state_dict_to_diffusers(plain).items()}


def processors(tensors: Tensors) -> Tensors:
    """As diffusers saved attention processors before it used peft."""
    found = {}
    for key, tensor in tensors.items():
        attention, _, rest = key.removeprefix("unet.").rpartition(".to_")
        name, part = rest.removesuffix(".weight").replace("out.0", "out").split(".")
        side = {"lora_A": "down", "lora_B": "up"}[part]
        found[f"{attention}.processor.to_{name}_lora.{side}.weight"] = tensor
    return found


def of_peft(tensors: Tensors) -> Tensors:
    return {key.replace("unet.", "base_model.model."): tensor for key, tensor in tensors.items()}


def bare(tensors: Tensors) -> Tensors:
    return {key.removeprefix("unet."): tensor for key, tensor in tensors.items()}


def kohya(tensors: Tensors, names: Mapping[str, str] | None = None, alpha: bool = True) -> Tensors:
    """As sd-scripts and LyCORIS save: an alpha a module, here another one for each, and magnitudes as columns."""
    found: Tensors = {}
    for key, tensor in tensors.items():
        module, part = key.removeprefix("unet.").removesuffix(".weight").rsplit(".", 1)
        for block, name in (names or {}).items():
            module = module.replace(block, name)
        module = f"lora_unet_{module.replace('.', '_')}"
        if part == "lora_magnitude_vector":
            found[f"{module}.dora_scale"] = tensor[:, None]
            continue
        found[f"{module}.lora_{'down' if part == 'lora_A' else 'up'}.weight"] = tensor
        if alpha:
            found[f"{module}.alpha"] = torch.tensor(1.0 + len(module) % 5)
    return found


def written(entry: CheckpointEntry, tensors: Tensors) -> CheckpointEntry:
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, entry.adapter)
    return entry


@pytest.mark.slow
@pytest.mark.parametrize("layout", [scripts, processors, bare], ids=lambda layout: layout.__name__)
def test_layouts_of_diffusers_and_peft_are_one_adapter(layout: Callable[[Tensors], Tensors], tmp_path, fresh) -> None:
    entry = save_tiny_adapter(tmp_path / "a")
    written(entry, tensors_of(entry))  # without metadata: alpha is the rank in either
    expected = predict(blend(fresh(), [AdapterUse("a")], {"a": entry}))
    assert torch.equal(
        predict(blend(fresh(), [AdapterUse("a")], {"a": written(entry, layout(tensors_of(entry)))})), expected
    )


@pytest.mark.slow
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_folder_of_peft_s_says_its_alpha_beside_it(coding: str, tmp_path, fresh) -> None:
    entry = save_tiny_adapter(tmp_path / "a")  # with metadata: alpha = 2 rank
    expected = predict(blend(fresh(), [AdapterUse("a")], {"a": entry}))
    file = entry.adapter.with_name("adapter_model.safetensors")
    save_file(of_peft(tensors_of(entry)), file)
    config = json.dumps({"lora_alpha": 8, "r": 4, "peft_type": "LORA"})
    file.with_name("adapter_config.json").write_bytes(config.encode(coding))
    other = CheckpointEntry("a", "tiny", file, "lora")
    assert torch.equal(predict(blend(fresh(), [AdapterUse("a")], {"a": other})), expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "kind", "names", "alpha"),
    [
        ("sd-1.5", LORA, None, True),
        ("sd-1.5", LORA, None, False),
        ("sd-1.5", DORA, None, True),
        ("sdxl", LORA, None, True),
        ("sdxl", LORA, SGM, True),
    ],
)
def test_kohya_s_files_are_what_stock_diffusers_takes_them_for(
    shape: str, kind: str, names: dict | None, alpha: bool, tmp_path, fresh, folders
) -> None:
    """Stock diffusers' matrices on each layer, and sd-scripts' own scale, alpha / rank.

    The scale is not diffusers': version 0.42.1 drops the alphas of attention layers with a warning of peft's.
    """
    entry = save_tiny_adapter(tmp_path / "a", kind, shape)
    before = tensors_of(entry)
    written(entry, kohya(before, names, alpha))
    pipeline = stock_pipeline(folders[shape], shape)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The following alpha_pattern keys")
        pipeline.load_lora_weights(entry.adapter.parent, adapter_name="a")
    backbone = fresh(shape)
    view = blend(backbone, [AdapterUse("a")], {"a": entry})
    (key,) = [key for key, _ in view.passes[0].adapters]
    layers = dict(backbone.unet.named_modules())
    compared = 0
    for name, theirs in pipeline.unet.named_modules():
        if hasattr(theirs, "lora_A") and "a" in theirs.lora_A:
            ours = layers[name]
            for part in ("lora_A", "lora_B"):
                one, other = getattr(ours, part)[key].weight, getattr(theirs, part)["a"].weight
                assert torch.equal(one, other), name
            module = f"lora_unet_{name.replace('.', '_')}"
            for block, other_name in (names or {}).items():
                module = module.replace(block.replace(".", "_"), other_name)
            assert ours.scaling[key] == ((1.0 + len(module) % 5) / 4 if alpha else 1.0), name
            if kind == DORA:  # stock diffusers leaves a file's magnitudes out
                assert torch.equal(ours.lora_magnitude_vector[key].weight, before[f"unet.{name}.lora_magnitude_vector"])
            compared += 1
    assert compared == len({name.rpartition(".lora_A")[0] for name in backbone.unet.state_dict() if ".lora_A." in name})
    assert compared > 8


@pytest.mark.slow
def test_sgm_names_beside_diffusers_are_refused_and_not_dropped(tmp_path, fresh) -> None:
    entry = save_tiny_adapter(tmp_path / "a", LORA, "sdxl")
    tensors = tensors_of(entry)
    both = kohya(tensors) | {key: value for key, value in kohya(tensors, SGM).items() if "input_blocks" in key}
    both = {key: tensor.clone() for key, tensor in both.items()}
    with pytest.raises(InputError, match="have no place there, as lora_unet_input_blocks_3_1"):
        blend(fresh("sdxl"), [AdapterUse("a")], {"a": written(entry, both)})


@pytest.mark.slow
@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2, torch.float64]
)
def test_every_precision_is_read(dtype: torch.dtype, tmp_path, fresh) -> None:
    entry = save_tiny_adapter(tmp_path / "a")
    tensors = {key: tensor.to(dtype) for key, tensor in tensors_of(entry).items()}
    unet = fresh().unet
    found = one_layout(tensors, unet, "a", "tiny").tensors
    assert len(found) == len(tensors) and {tensor.dtype for tensor in found.values()} == {torch.float32}
    assert all(torch.equal(found[key.removeprefix("unet.")], tensor.float()) for key, tensor in tensors.items())
    assert blend(fresh(), [AdapterUse("a")], {"a": written(entry, tensors)}).passes


@pytest.mark.slow
def test_columns_and_one_by_one_convolutions_are_the_same_numbers(tmp_path, fresh) -> None:
    entry = save_tiny_adapter(tmp_path / "a", DORA)
    written(entry, tensors_of(entry))
    expected = predict(blend(fresh(), [AdapterUse("a")], {"a": entry}))
    tensors = tensors_of(entry)
    odd = {key: tensor[:, None] if tensor.ndim == 1 else tensor[..., None, None] for key, tensor in tensors.items()}
    assert torch.equal(predict(blend(fresh(), [AdapterUse("a")], {"a": written(entry, odd)})), expected)
