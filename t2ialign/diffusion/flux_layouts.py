"""LoRAs of FLUX.1 and FLUX.2 under Black Forest Labs' names, whose fused layers diffusers has one by one: kohya's and others'.

- kohya's sd-scripts: ``lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight``, ``.alpha``, ``.dora_scale``;
- the same with diffusers' names: ``lora_transformer_single_transformer_blocks_0_attn_to_q.lora_down.weight``, which any
  transformer's file may have, with ``lora_unet_`` too (Qwen-Image's);
- with dots, as ComfyUI and peft save them: ``diffusion_model.double_blocks.0.img_attn.qkv.lora_A.weight``.

A fused layer's rows are those of its parts one below the other, so each part takes its own rows of ``lora_B`` and of a DoRA's
magnitudes, and all of ``lora_A`` and alpha: exactly what the fused layer was. The last modulation has its halves the other
way round. FLUX.2's single blocks are fused in diffusers too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor, nn

START = re.compile(
    r"^(?:lora_unet_|diffusion_model\.|base_model\.model\.)?"
    r"(?=(?:double|single)_blocks|(?:double|single)_stream_modulation|(?:img|txt|time|vector|guidance)_in(?![a-z])|final_layer)"
)
FLAT = ("lora_transformer_", "lora_unet_")
COMFY = re.compile(r"^diffusion_model\.(sformer_blocks)?")  # which some programs write for transformer_blocks
KEY = re.compile(r"^(.*?)(\.(?:lora_|alpha$|dora_scale$).*)$")
DOUBLE = {
    "img_attn_qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
    "img_attn_proj": ("attn.to_out.0",),
    "img_mlp_0": ("ff.net.0.proj",),
    "img_mlp_2": ("ff.net.2",),
    "img_mod_lin": ("norm1.linear",),
    "txt_attn_qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
    "txt_attn_proj": ("attn.to_add_out",),
    "txt_mlp_0": ("ff_context.net.0.proj",),
    "txt_mlp_2": ("ff_context.net.2",),
    "txt_mod_lin": ("norm1_context.linear",),
}
SINGLE = {
    "linear1": ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"),
    "linear2": ("proj_out",),
    "modulation_lin": ("norm.linear",),
}
LAST_MODULATION = "final_layer_adaLN_modulation_1"
OTHERS = {
    "img_in": "x_embedder",
    "txt_in": "context_embedder",
    **{
        f"{theirs}_{side}_layer": f"time_text_embed.{ours}_embedder.linear_{number}"
        for theirs, ours in {"time_in": "timestep", "vector_in": "text", "guidance_in": "guidance"}.items()
        for side, number in (("in", 1), ("out", 2))
    },
    "final_layer_linear": "proj_out",
    LAST_MODULATION: "norm_out.linear",
}
DOUBLE_2 = {
    **{name: parts for name, parts in DOUBLE.items() if "attn" in name},
    "img_mlp_0": ("ff.linear_in",),
    "img_mlp_2": ("ff.linear_out",),
    "txt_mlp_0": ("ff_context.linear_in",),
    "txt_mlp_2": ("ff_context.linear_out",),
}
SINGLE_2 = {"linear1": ("attn.to_qkv_mlp_proj",), "linear2": ("attn.to_out",)}
OTHERS_2 = {
    **{name: ours for name, ours in OTHERS.items() if "_layer" not in name or name.startswith("final")},
    **{
        f"{theirs}_{side}_layer": f"time_guidance_embed.{ours}_embedder.linear_{number}"
        for theirs, ours in {"time_in": "timestep", "guidance_in": "guidance"}.items()
        for side, number in (("in", 1), ("out", 2))
    },
    **{
        f"{kind}_stream_modulation{side}_lin": f"{kind}_stream_modulation{side}.linear"
        for kind, side in (("double", "_img"), ("double", "_txt"), ("single", ""))
    },
}


@dataclass(frozen=True)
class Names:
    """Black Forest Labs' layers of a transformer, and the layers of diffusers' that make up each."""

    double: Mapping[str, tuple[str, ...]]
    single: Mapping[str, tuple[str, ...]]
    others: Mapping[str, str]


MAKERS = {  # by diffusers' class
    "FluxTransformer2DModel": Names(DOUBLE, SINGLE, OTHERS),
    "Flux2Transformer2DModel": Names(DOUBLE_2, SINGLE_2, OTHERS_2),
}


def unfused(
    named: Mapping[str, Tensor], layers: Mapping[str, nn.Module], makers: Names | None
) -> dict[str, tuple[str, Tensor]]:
    """A file's tensors by its keys, each with its name in diffusers' spelling; of a fused layer one for each of its parts.

    ``layers`` are the transformer's, ``makers`` its makers' names, if it has any. What is not in such a layout stays as it is.
    """
    flat = {name.replace(".", "_"): name for name in layers}
    found: dict[str, tuple[str, Tensor]] = {}
    for key, tensor in named.items():
        module, ending = match.groups() if (match := KEY.match(key)) else (key, "")
        if (ours := _diffusers_name(module, flat, layers)) is not None:
            found[key] = ours + ending, tensor
            continue
        bare = START.sub("", module).replace(".", "_")
        parts = _parts(bare, makers) if makers and START.match(module) and ending else ()
        for number, (part, rows) in enumerate(_rows(parts, ending, tensor, layers)):
            swapped = bare == LAST_MODULATION and _of_outputs(ending)
            found[f"{key} ({part})" if number else key] = part + ending, _halves_swapped(rows) if swapped else rows
        if not parts:
            found[key] = key, tensor
    return found


def _diffusers_name(module: str, flat: Mapping[str, str], layers: Mapping[str, nn.Module]) -> str | None:
    """The layer that a module's name is in diffusers' own names, flattened or under ComfyUI's prefix; None where it is none."""
    for start in FLAT:
        if module.startswith(start) and (found := flat.get(module.removeprefix(start))):
            return found
    bare = COMFY.sub(lambda match: "transformer_blocks" if match[1] else "", module)
    return bare if bare != module and bare.removesuffix(".default") in layers else None


def _parts(name: str, makers: Names) -> tuple[str, ...]:
    """The layers of diffusers' that make up a layer by its name with underscores; none for an unknown one."""
    if match := re.match(r"^(double|single)_blocks_(\d+)_(\w+)$", name):
        kind, number, layer = match.groups()
        start = "transformer_blocks" if kind == "double" else "single_transformer_blocks"
        return tuple(
            f"{start}.{number}.{part}" for part in (makers.double if kind == "double" else makers.single).get(layer, ())
        )
    return (makers.others[name],) if name in makers.others else ()


def _of_outputs(ending: str) -> bool:
    """Whether a tensor has a row an output: all have but ``lora_A`` and alpha."""
    return not re.search(r"lora_(A|down)\b|alpha$", ending)


def _rows(
    parts: tuple[str, ...], ending: str, tensor: Tensor, layers: Mapping[str, nn.Module]
) -> Iterator[tuple[str, Tensor]]:
    """Each part's share of a tensor; the whole where it does not add up, which has no place then."""
    heights = [getattr(layers.get(part), "out_features", 0) for part in parts]
    if len(parts) < 2 or not _of_outputs(ending):
        yield from ((part, tensor) for part in parts)
        return
    whole = tensor.flatten() if "dora_scale" in ending or "magnitude" in ending else tensor
    if whole.ndim == 0 or len(whole) != sum(heights):
        yield parts[0], tensor
        return
    yield from zip(parts, whole.tensor_split(list(accumulate(heights))[:-1]), strict=True)


def _halves_swapped(rows: Tensor) -> Tensor:
    """Shift and scale the other way round."""
    rows = rows.flatten() if 1 in rows.shape[:1] else rows
    return torch.cat(rows.chunk(2)[::-1]) if rows.ndim else rows
