"""Several LoRAs as one: what they add to the weights is added up, exactly, at the price of a higher rank."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from t2ialign.diffusion.adapters import load_adapter
from t2ialign.diffusion.backbone import Backbone
from t2ialign.registry import CheckpointEntry
from t2ialign.types import AdapterUse, InputError

if TYPE_CHECKING:
    from peft.tuners.lora import LoraLayer


def merged_lora(
    backbone: Backbone, uses: Sequence[AdapterUse], checkpoints: Mapping[str, CheckpointEntry]
) -> dict[str, Tensor]:
    """Tensors of one LoRA that computes what the blend computes: sum_l w_l s_l B_l A_l = [B_1 w_1 s_1, ...] [A_1; ...].

    s = alpha / rank is each adapter's own scale; the merged adapter's is 1. Keys as in diffusers' files, without prefix.
    A DoRA does not add up (it renormalises each weight), and is refused.
    """
    from peft.tuners.lora import LoraLayer

    whole = [use.name for use in uses if checkpoints[use.name].kind == "unet"]
    if whole:
        raise InputError(
            f"{whole[0]} is a whole UNet, which is no part of an adapter: blend it live instead "
            f"({'+'.join(f'{use.name}@{use.weight:g}' for use in uses)})."
        )
    loaded = {load_adapter(backbone, checkpoints[use.name], use.sha): use for use in uses if use.weight != 0}
    doras = [use.name for key, use in loaded.items() if backbone.switch.loaded[key] == "dora"]
    if doras:
        raise InputError(
            f"{doras[0]} is a DoRA, whose effect does not add up with others' in one file: blend it live instead "
            f"({'+'.join(f'{use.name}@{use.weight:g}' for use in uses)})."
        )
    text = [use.name for key, use in loaded.items() if key in backbone.switch.with_text]
    if text:
        raise InputError(
            f"{text[0]} adapts a text encoder too, and only adapters of the UNet are merged: blend it live instead."
        )
    tensors: dict[str, Tensor] = {}
    for name, layer in backbone.unet.named_modules():
        if isinstance(layer, LoraLayer):
            parts = [(key, use.weight) for key, use in loaded.items() if key in layer.lora_A]
            if parts:
                downs: list[Tensor] = [layer.lora_A[key].get_parameter("weight") for key, _ in parts]
                ups = [weight * _scale(layer, key) * layer.lora_B[key].get_parameter("weight") for key, weight in parts]
                tensors[f"{name}.lora_A.weight"] = torch.cat(downs).detach()
                tensors[f"{name}.lora_B.weight"] = torch.cat(ups, 1).detach()
    return {name: tensor.float().cpu().contiguous() for name, tensor in tensors.items()}


def _scale(layer: LoraLayer, key: str) -> float:
    """What the adapter's product is multiplied by at weight 1; ``layer.scaling`` may hold a blend's."""
    rank = layer.r[key]
    return float(layer.lora_alpha[key]) / (math.sqrt(rank) if layer.use_rslora.get(key, False) else rank)
