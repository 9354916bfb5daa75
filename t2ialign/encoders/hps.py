"""HPSv2 (Wu et al. 2023): open_clip's ViT-H/14 with weights tuned on people's rankings, versions 2.0 and 2.1."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from t2ialign.content import identity
from t2ialign.downloads import Part
from t2ialign.encoders.clip import ClipEncoder, ClipModel
from t2ialign.encoders.weights import file_at, hub_file
from t2ialign.types import InputError, Prompt

FILES = {"hps_v20": "HPS_v2_compressed.pt", "hps_v21": "HPS_v2.1_compressed.pt"}


@dataclass(frozen=True)
class HpsEncoder:
    """Provides ``hps_v20`` or ``hps_v21`` [n]: the raw cosine of picture and prompt."""

    id: str
    sha: str
    clip: ClipEncoder
    provides: tuple[str, ...]

    def encode(self, images: UInt8[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        features = self.clip.encode(images, prompt)
        return {self.provides[0]: features["clip_image"] @ features["clip_text"]}

    def features(self, pixels: Float[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        return self.compared(*self.embeddings(pixels, prompt))

    def embeddings(
        self, pixels: Float[Tensor, "n 3 h w"], prompt: Prompt
    ) -> tuple[Float[Tensor, "n d"], Float[Tensor, " d"]]:
        return self.clip.embeddings(pixels, prompt)

    def compared(self, image: Float[Tensor, "n d"], text: Float[Tensor, " d"]) -> dict[str, Tensor]:
        return {self.provides[0]: image @ text}

    def unread(self, prompt: Prompt) -> str:
        return self.clip.unread(prompt)


def weights(source: str | Path, feature: str = "hps_v21", **_: Any) -> tuple[Part, ...]:
    """What ``load`` wants of other places."""
    return hub_file(source, _file_of(feature))


def load(source: str | Path, device: str, feature: str = "hps_v21", model: str = "ViT-H-14") -> HpsEncoder:
    """``source``: ``xswu/HPSv2@REVISION``, or a folder with its files; ``feature`` chooses the version."""
    file = file_at(source, _file_of(feature))
    sha = identity([file])
    return HpsEncoder(feature, sha, ClipEncoder(feature, sha, device, lambda: _model(file, model)), (feature,))


def _file_of(feature: str) -> str:
    if feature not in FILES:
        raise InputError(f"HPSv2 has no version {feature}; choose {' or '.join(FILES)}.")
    return FILES[feature]


def _model(file: Path, name: str) -> ClipModel:
    import open_clip

    network = open_clip.create_model(name, pretrained=None)
    try:
        network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True)["state_dict"])
    except Exception as error:  # torch raises five unrelated types for a damaged or foreign file
        raise InputError(f"{file} does not hold weights of {name} as HPSv2 saves them; fetch it again.") from error
    return ClipModel(network, open_clip.get_model_preprocess_cfg(network), open_clip.get_tokenizer(name))
