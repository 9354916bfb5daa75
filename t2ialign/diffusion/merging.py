"""Several adapters as one LoRA: what they add to the weights is added up, at the price of a higher rank.

A LoRA adds w s B A to a layer's weights W_0, with its weight w and s = alpha / rank. A DoRA at weight 1 puts other weights
in their place, W' = m (W_0 + s B A) / ||W_0 + s B A|| with the norm of each output's row (Liu et al., ICML 2024,
arXiv:2402.09353, eq. 5); what it adds is W' - W_0, which has nearly full rank, and its weight w multiplies that. The merged
adapter computes with

    W = W_0 + sum_l w_l s_l B_l A_l + sum_d w_d (W'_d - W_0).

For LoRAs, and for one DoRA at weight 1, that is what the live blend predicts. For any other blend with a DoRA it is not: a
live blend mixes predictions (``adapters``), a merged one weights, and the two agree to first order in what they add.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from t2ialign.diffusion.adapters import load_adapter
from t2ialign.diffusion.backbone import Backbone
from t2ialign.registry import CheckpointEntry
from t2ialign.types import AdapterUse, InputError, MergeError

if TYPE_CHECKING:
    from peft.tuners.lora import LoraLayer


Part = tuple[str, float]  # an adapter's key and its weight
Factors = tuple[Tensor, Tensor]  # (A, B): rank x inputs, outputs x rank
Squares = tuple[float, float]  # of what factors miss, and of what they are to be


@dataclass(frozen=True)
class MergedLora:
    """A merged adapter's tensors, of scale 1, keyed as in diffusers' files without prefix.

    ``error`` is None where all matrices stand side by side, so that nothing was worked out.
    """

    tensors: dict[str, Tensor]
    error: MergeError | None = None


def merged_lora(
    backbone: Backbone, uses: Sequence[AdapterUse], checkpoints: Mapping[str, CheckpointEntry], rank: int = 0
) -> MergedLora:
    """One LoRA that adds to the backbone's weights what these adapters add with their weights.

    A layer that only LoRAs adapt keeps their matrices side by side, [B_1 w_1 s_1, ...] [A_1; ...], which is exact. Where a
    DoRA takes part, or where that would have more than ``rank`` columns, the layer's sum is worked out and written with
    its full rank, or with its ``rank`` largest singular values, which is the nearest there is (Eckart and Young 1936); 0 is
    no limit. A DoRA's part is taken against the weights of this backbone, as where it is loaded.

    Raises:
        InputError: a whole UNet or an adapter of a text encoder is among them, or ``rank`` is negative.
    """
    from peft.tuners.lora import LoraLayer

    if rank < 0:
        raise InputError(f"A rank is 1 or more, not {rank}: leave it out for an exact merge.")
    loaded = _loaded(backbone, uses, checkpoints)
    tensors: dict[str, Tensor] = {}
    squares: dict[str, Squares] = {}
    exact = True
    with backbone.switch.lock, torch.no_grad():
        backbone.switch.turn_on(())  # the UNet may still have another one's weights, which a view has asked for
        for name, layer in backbone.unet.named_modules():
            parts = [part for part in loaded if part[0] in layer.lora_A] if isinstance(layer, LoraLayer) else []
            if parts:
                factors, squares[name], whole = _merged_layer(layer, parts, rank)
                tensors[f"{name}.lora_A.weight"], tensors[f"{name}.lora_B.weight"] = factors
                exact &= whole
    return MergedLora(tensors, None if exact else _error(tensors, squares))


def _loaded(backbone: Backbone, uses: Sequence[AdapterUse], checkpoints: Mapping[str, CheckpointEntry]) -> list[Part]:
    """The adapters in the UNet that count; refuses what is no adapter of the UNet alone."""
    whole = [use.name for use in uses if checkpoints[use.name].kind == "unet"]
    if whole:
        raise InputError(
            f"{whole[0]} is a whole UNet, which is no part of an adapter: blend it live instead "
            f"({'+'.join(f'{use.name}@{use.weight:g}' for use in uses)})."
        )
    loaded = {load_adapter(backbone, checkpoints[use.name], use.sha): use for use in uses if use.weight != 0}
    text = [use.name for key, use in loaded.items() if key in backbone.switch.with_text]
    if text:
        raise InputError(
            f"{text[0]} adapts a text encoder too, and only adapters of the UNet are merged: blend it live instead."
        )
    return [(key, use.weight) for key, use in loaded.items()]


def _merged_layer(layer: LoraLayer, parts: Sequence[Part], rank: int) -> tuple[Factors, Squares, bool]:
    """The layer's two tensors; the squared norms of what they miss and of what they are to be; whether side by side."""
    down, up = _side_by_side(layer, parts)
    whole = not any(key in layer.lora_magnitude_vector for key, _ in parts) and not 0 < rank < len(down)
    if whole:
        squares = 0.0, float(((up.T @ up) * (down @ down.T)).sum())
    else:
        delta = _added(layer, parts)
        down, up = _factors(delta, rank)
        squares = float((delta - up @ down).square().sum()), float(delta.square().sum())
    base = layer.get_base_layer().get_parameter("weight")
    ones = (1,) * (base.ndim - 2)
    shaped = down.reshape(-1, *base.shape[1:]), up.reshape(len(base), -1, *ones)
    return (_written(shaped[0]), _written(shaped[1])), squares, whole


def _side_by_side(layer: LoraLayer, parts: Sequence[Part]) -> Factors:
    downs = [_matrix(layer.lora_A[key]) for key, _ in parts]
    ups = [weight * _scale(layer, key) * _matrix(layer.lora_B[key]) for key, weight in parts]
    return torch.cat(downs), torch.cat(ups, 1)


def _added(layer: LoraLayer, parts: Sequence[Part]) -> Tensor:
    """What the parts add to the layer's weights: outputs x inputs, a convolution's kernel being inputs too."""
    base = _matrix(layer.get_base_layer())
    total = torch.zeros_like(base)
    for key, weight in parts:
        delta = _scale(layer, key) * _matrix(layer.lora_B[key]) @ _matrix(layer.lora_A[key])
        if key in layer.lora_magnitude_vector:
            tuned = base + delta
            magnitude = _wide(layer.lora_magnitude_vector[key].get_parameter("weight")).flatten()
            delta = (magnitude / tuned.norm(dim=1))[:, None] * tuned - base
        total += weight * delta
    return total


def _factors(delta: Tensor, rank: int) -> Factors:
    """``(A, B)`` with B A = delta where the rank allows it, or else the nearest; rounded to what a file holds."""
    rows, columns = delta.shape
    if not 0 < rank < min(rows, columns):
        identity = torch.eye(min(rows, columns), dtype=delta.dtype, device=delta.device)
        down, up = (delta, identity) if rows <= columns else (identity, delta)
    else:
        left, values, right = torch.linalg.svd(delta, full_matrices=False)
        root = values[:rank].sqrt()
        down, up = root[:, None] * right[:rank], left[:, :rank] * root
    return down.float().double(), up.float().double()


def _error(tensors: Mapping[str, Tensor], squares: Mapping[str, Squares]) -> MergeError:
    rank = max(len(tensor) for name, tensor in tensors.items() if ".lora_A." in name)
    missed, norms = (sum(pair[place] for pair in squares.values()) for place in (0, 1))
    each = {name: _ratio(*pair) for name, pair in squares.items()}
    layer = max(each, key=each.__getitem__)
    return MergeError(rank, _ratio(missed, norms), each[layer], layer)


def _ratio(missed: float, norm: float) -> float:
    return math.sqrt(missed / norm) if norm else 0.0


def _matrix(module: nn.Module) -> Tensor:
    return _wide(module.get_parameter("weight")).flatten(1)


def _written(tensor: Tensor) -> Tensor:
    return tensor.float().cpu().contiguous()


def _wide(tensor: Tensor) -> Tensor:
    """In float64, which not every accelerator has: on the CPU unless it lies on a GPU of CUDA's."""
    return (tensor if tensor.is_cuda else tensor.cpu()).detach().double()


def _scale(layer: LoraLayer, key: str) -> float:
    """What the adapter's product is multiplied by at weight 1; ``layer.scaling`` may hold a blend's."""
    rank = layer.r[key]
    return float(layer.lora_alpha[key]) / (math.sqrt(rank) if layer.use_rslora.get(key, False) else rank)
