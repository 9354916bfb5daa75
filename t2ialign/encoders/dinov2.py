"""DINOv2 (Oquab et al. 2023): embeddings from a network that never read a caption, for diversity and FD-DINOv2."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from t2ialign.downloads import Part
from t2ialign.encoders.preprocess import DINO_224, preprocess
from t2ialign.encoders.weights import folder_at, folder_identity, frozen, hub_folder
from t2ialign.types import Prompt

if TYPE_CHECKING:
    from transformers import Dinov2Model

BATCH = 32


@dataclass(frozen=True)
class Dinov2Encoder:
    """Provides ``dinov2`` [n d]: the class token after the last norm, of pictures squashed to 224 x 224."""

    id: str
    sha: str
    device: str
    folder: Path
    provides: tuple[str, ...] = ("dinov2",)

    @cached_property
    def model(self) -> Dinov2Model:
        from transformers import Dinov2Model

        model = Dinov2Model.from_pretrained(self.folder, use_safetensors=True)
        return frozen(model, self.device)

    @torch.no_grad()
    def encode(self, images: UInt8[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        batches = torch.split(preprocess(images, DINO_224), BATCH)
        tokens = [self.model(pixel_values=batch.to(self.device)).pooler_output for batch in batches]
        return {"dinov2": torch.cat(tokens).float()}


def weights(source: str | Path, **_: Any) -> tuple[Part, ...]:
    """What ``load`` wants of other places."""
    return hub_folder(source)


def load(source: str | Path, device: str) -> Dinov2Encoder:
    """``source``: ``facebook/dinov2-base@REVISION`` (``-large`` for FD-DINOv2), or a folder of a ``Dinov2Model``."""
    folder = folder_at(source)
    return Dinov2Encoder("dinov2", folder_identity(folder), device, folder)
