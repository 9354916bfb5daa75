"""LAION's aesthetic predictor (Schuhmann 2022): a linear map of OpenAI's CLIP ViT-L/14 embedding, about 1 to 10."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from t2ialign.content import identity
from t2ialign.downloads import Part, WebFile
from t2ialign.encoders.clip import ClipEncoder, load_clip, pretrained
from t2ialign.encoders.reward_head import collapse
from t2ialign.encoders.weights import here, torch_file
from t2ialign.types import InputError, Prompt, content_key

CLIP = "ViT-L-14-quickgelu/openai"
FILE = "sac+logos+ava1-l14-linearMSE.pth"
URL = (
    "https://github.com/christophschuhmann/improved-aesthetic-predictor/raw/"
    "fe88a163f4661b4ddabba0751ff645e2e620746e/sac%2Blogos%2Bava1-l14-linearMSE.pth"
)


@dataclass(frozen=True)
class AestheticEncoder:
    """Provides ``aesthetic`` [n]: w . x + b of the unit embedding x; the published network has no activations."""

    id: str
    sha: str
    clip: ClipEncoder
    head: Path
    provides: tuple[str, ...] = ("aesthetic",)

    @cached_property
    def map(self) -> tuple[Float[Tensor, " d"], Float[Tensor, ""]]:
        try:
            return collapse(torch.load(self.head, map_location="cpu", weights_only=True))
        except Exception as error:  # torch raises five unrelated types for a damaged or foreign file
            raise InputError(f"{self.head} is not LAION's {FILE}; fetch it again.") from error

    @torch.no_grad()
    def encode(self, images: UInt8[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        return self._scored(self.clip.images(images))

    def features(self, pixels: Float[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        """The same of pixels, with gradients."""
        return self._scored(self.clip.embeddings(pixels, prompt)[0])

    def _scored(self, embeddings: Float[Tensor, "n d"]) -> dict[str, Tensor]:
        weight, bias = (part.to(embeddings.device) for part in self.map)
        return {"aesthetic": (embeddings.double() @ weight + bias).float()}


def weights(source: str | Path, clip: str = CLIP, **_: Any) -> tuple[Part, ...]:
    """What ``load`` wants of other places."""
    return *_head(source), *pretrained(clip)


def _head(source: str | Path) -> tuple[WebFile, ...]:
    if Path(source).is_file():
        return ()
    if str(source) != "laion":
        raise InputError(f"{source} is neither a file nor 'laion'; name the file {FILE}.")
    return (WebFile(URL, torch_file(FILE)),)


def load(source: str | Path, device: str, clip: str = CLIP) -> AestheticEncoder:
    """``source``: the head's file, or ``laion`` to fetch it; ``clip``: the backbone that it was trained on."""
    parts = _head(source)
    head = here(parts[0]) if parts else Path(source)
    backbone = load_clip(clip, device)
    return AestheticEncoder("laion-aesthetic", content_key([identity([head]), backbone.sha]), backbone, head)
