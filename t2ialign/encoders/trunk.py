"""A small convolutional trunk for LPIPS in worlds that ImageNet never saw: stages of two 3x3 convolutions with ReLU.

On disk a trunk is a folder: ``trunk.safetensors`` (this module's state) and ``config.json`` with ``channels`` (one
number a stage) and optionally ``lins`` (one list of non-negative channel weights a stage; all ones where absent).
Pictures enter in [-1, 1], without any further scaling.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from t2ialign.encoders.weights import existing
from t2ialign.types import InputError

CHANNELS = (16, 32, 64, 64)


def build_trunk(channels: Sequence[int] = CHANNELS) -> nn.ModuleList:
    """Stages of conv-ReLU-conv-ReLU; ``trunk_features`` puts a 2x2 max pool between them."""
    return nn.ModuleList(_stage(before, after) for before, after in zip((3, *channels), channels, strict=False))


def _stage(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.Conv2d(after, after, 3, padding=1), nn.ReLU()
    )


def trunk_features(trunk: nn.ModuleList, pixels: Float[Tensor, "n 3 h w"]) -> list[Float[Tensor, "n _ _ _"]]:
    """The activations after every stage, the last of which a classifier may pool. ``pixels`` in [-1, 1]."""
    outputs: list[Tensor] = []
    hidden = pixels
    for index, stage in enumerate(trunk):
        hidden = stage(max_pool2d(hidden, 2) if index else hidden)
        outputs.append(hidden)
    return outputs


def save_trunk(folder: Path, trunk: nn.ModuleList, lins: Sequence[Float[Tensor, " _"]] | None = None) -> None:
    """Write the folder that ``load_trunk`` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in trunk.state_dict().items()}, folder / "trunk.safetensors")
    config: dict[str, object] = {"channels": [stage.get_submodule("0").out_channels for stage in trunk]}
    if lins is not None:
        config["lins"] = [lin.tolist() for lin in lins]
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def load_trunk(folder: Path) -> tuple[nn.ModuleList, list[Float[Tensor, " _"]]]:
    """The trunk in evaluation mode and its channel weights."""
    config_file, weights = existing(folder, "config.json", "trunk.safetensors")
    config = json.loads(config_file.read_text())
    channels = config["channels"]
    trunk = build_trunk(channels)
    try:
        trunk.load_state_dict(load_file(weights))
    except Exception as error:  # safetensors and torch raise four unrelated types for a damaged or foreign file
        raise InputError(f"{weights} does not hold a trunk with {channels} channels; train it again.") from error
    lins = [torch.tensor(lin) for lin in config.get("lins", [])] or [torch.ones(width) for width in channels]
    return trunk.eval().requires_grad_(False), lins
