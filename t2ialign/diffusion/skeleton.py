"""A backbone's networks without their numbers: enough to say whether an adapter or a UNet fits, and made in a second."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from t2ialign.content import CONFIG
from t2ialign.diffusion.pipelines import stock_pipeline
from t2ialign.downloads import HubFile
from t2ialign.files import foreign
from t2ialign.registry import BackboneEntry

UNET = "UNet2DConditionModel"
SCHEDULER = "scheduler/scheduler_config.json"
NETWORKS = {  # diffusers' classes
    "sd3": "SD3Transformer2DModel",
    "flux": "FluxTransformer2DModel",
    "auraflow": "AuraFlowTransformer2DModel",
    "flux2": "Flux2Transformer2DModel",
    "flux2-klein": "Flux2Transformer2DModel",
    "qwenimage": "QwenImageTransformer2DModel",
    "sana": "SanaTransformer2DModel",
}
CLIPS = {  # transformers' classes
    "sd": ("CLIPTextModel",),
    "sdxl": ("CLIPTextModel", "CLIPTextModelWithProjection"),
    "sd3": ("CLIPTextModelWithProjection", "CLIPTextModelWithProjection"),
    "flux": ("CLIPTextModel",),
}


@dataclass(frozen=True)
class Skeleton:
    """The predicting network and the CLIP text encoders on torch's device ``meta``, where tensors have shapes alone.

    ``prediction`` is what the network predicts, as its scheduler's configuration says; empty where that says nothing.
    """

    unet: nn.Module
    encoders: tuple[nn.Module, ...]
    prediction: str = ""


def skeleton(entry: BackboneEntry) -> Skeleton:
    """The networks as the backbone's configurations say; of one on the Hub only these are fetched, a few kilobytes.

    Raises:
        InputError: a configuration is missing, damaged or out of reach.
    """
    stock_pipeline(entry.family_traits)
    import diffusers

    network = getattr(diffusers, NETWORKS.get(entry.family, UNET))
    parts = dict(zip(("text_encoder", "text_encoder_2"), CLIPS.get(entry.family, ()), strict=False))
    with torch.device("meta"):
        unet = _made(entry, entry.family_traits.network, network.from_config)
        encoders = tuple(_made(entry, name, _clip(kind)) for name, kind in parts.items())
    return Skeleton(unet, encoders, predicted(_config(entry, *SCHEDULER.split("/"))))


def predicted(scheduler: Path) -> str:
    """What a scheduler's configuration says that its network predicts; empty where it says nothing."""
    with foreign(f"The configuration {scheduler} cannot be read", "restore it"):
        return str(json.loads(scheduler.read_text(encoding="utf-8")).get("prediction_type") or "")


def _clip(kind: str) -> Callable[[dict[str, Any]], Any]:
    import transformers

    return lambda said: getattr(transformers, kind)(transformers.CLIPTextConfig.from_dict(said))


def _made(entry: BackboneEntry, part: str, make: Callable[[dict[str, Any]], Any]) -> Any:
    file = _config(entry, part)
    with foreign(f"The configuration {file} of {entry.name} cannot be read", "restore it"):
        return make(json.loads(file.read_text(encoding="utf-8")))


def _config(entry: BackboneEntry, part: str, name: str = CONFIG) -> Path:
    if isinstance(entry.source, Path):
        return entry.source / part / name
    return HubFile(entry.source, entry.hub_revision, (f"{part}/{name}",)).fetch()
