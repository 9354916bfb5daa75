"""DreamSim (Fu et al. 2023), its single DINO ViT-B/16: embeddings tuned on people's judgements of likeness.

The published adapter is a LoRA on DINO's fused query-key-value layers. Here it is added, once and for all, to the
weights of transformers' DINO, whose three layers are the thirds of the fused one.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from t2ialign.content import identity, settings_in
from t2ialign.downloads import Part, WebFile
from t2ialign.encoders.preprocess import DINO_224, preprocess
from t2ialign.encoders.weights import existing, folder_at, frozen, here, hub_folder, safetensors_of, torch_file
from t2ialign.files import foreign
from t2ialign.network import Show, unwatched
from t2ialign.types import InputError, Prompt

if TYPE_CHECKING:
    from transformers import ViTModel

ADAPTER = "dino_vitb16_single_lora"
URL = "https://github.com/ssundaram21/dreamsim/releases/download/v0.2.0-checkpoints/dreamsim_dino_vitb16_checkpoint.zip"
CONFIG, WEIGHTS = "adapter_config.json", ("adapter_model.safetensors", "adapter_model.bin")
BATCH = 32


@dataclass(frozen=True)
class DreamsimEncoder:
    """Provides ``dreamsim`` [n d]: the last block's class token, centred and normalised, so that 1 - cosine is DreamSim."""

    id: str
    sha: str
    device: str
    base: Path
    adapter: Path
    provides: tuple[str, ...] = ("dreamsim",)

    @cached_property
    def model(self) -> ViTModel:
        from transformers import ViTModel

        model = ViTModel.from_pretrained(self.base, use_safetensors=True, add_pooling_layer=False)
        merge(model, *read_adapter(self.adapter))
        return frozen(model, self.device)

    @torch.no_grad()
    def encode(self, images: UInt8[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        pixels = preprocess(images, {**DINO_224, "size": self.model.config.image_size})
        return {"dreamsim": torch.cat([self._embed(batch.to(self.device)) for batch in torch.split(pixels, BATCH)])}

    def _embed(self, pixels: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b d"]:
        # The last hidden state but for the final norm, which DreamSim leaves out.
        token = self.model(pixel_values=pixels, output_hidden_states=True).hidden_states[-1][:, 0].float()
        return torch.nn.functional.normalize(token - token.mean(1, keepdim=True), dim=1)


def read_adapter(folder: Path) -> tuple[dict[str, Tensor], float]:
    """The adapter's tensors and their scale alpha / r; only LoRA on the fused layers is understood."""
    from safetensors.torch import load_file

    (config_file,) = existing(folder, CONFIG)
    config = json.loads(config_file.read_text())
    file = adapter_file(folder)
    state = (
        load_file(file) if file.suffix == ".safetensors" else torch.load(file, map_location="cpu", weights_only=True)
    )
    if set(config["target_modules"]) != {"qkv"} or not state:
        raise InputError(f"{folder} is not DreamSim's adapter for DINO's qkv layers; take {ADAPTER} of its checkpoint.")
    return state, config["lora_alpha"] / config["r"]


def adapter_file(folder: Path) -> Path:
    """The adapter's weights, in whichever of peft's two formats they are."""
    found = [folder / name for name in WEIGHTS if (folder / name).is_file()]
    return found[0] if found else existing(folder, WEIGHTS[0])[0]


@torch.no_grad()
def merge(model: nn.Module, state: Mapping[str, Tensor], scale: float) -> None:
    """Add scale B A of every fused layer to the three layers that it is in transformers."""
    layers = dict(model.named_modules())
    names = {name.split(".blocks.")[1].split(".")[0] for name in state if ".lora_A" in name}
    for number in sorted(names, key=int):
        mine = {name: tensor for name, tensor in state.items() if f".blocks.{number}.attn.qkv." in name}
        down = next(tensor for name, tensor in mine.items() if ".lora_A" in name)
        up = next(tensor for name, tensor in mine.items() if ".lora_B" in name)
        for part, change in zip("qkv", (scale * up.float() @ down.float()).chunk(3), strict=True):
            _projection(layers, int(number), part).weight += change


def _projection(layers: Mapping[str, nn.Module], number: int, part: str) -> nn.Linear:
    word = {"q": ("query", "q_proj"), "k": ("key", "k_proj"), "v": ("value", "v_proj")}[part]
    for name, layer in layers.items():
        if isinstance(layer, nn.Linear) and f".{number}." in f".{name}." and name.endswith(word):
            return layer
    raise InputError(f"The base model has no layer {number} for DreamSim's adapter; take facebook/dino-vitb16.")


@dataclass(frozen=True)
class Adapter:
    """The published adapter: a folder that is unpacked from the archive in which it comes."""

    @property
    def name(self) -> str:
        return ADAPTER

    @property
    def folder(self) -> Path:
        return torch_file(ADAPTER)

    def found(self) -> Path | None:
        return self.folder if self.folder.is_dir() else None

    def fetch(self, show: Show = unwatched) -> Path:
        if (found := self.found()) is not None:
            return found
        archive = WebFile(URL, torch_file(URL.rsplit("/", 1)[1])).fetch(show)
        with (
            foreign(f"{archive} cannot be unpacked", "remove it and fetch it again"),
            zipfile.ZipFile(archive) as packed,
        ):
            members = [name for name in packed.namelist() if name.startswith(f"{ADAPTER}/") and ".." not in name]
            packed.extractall(self.folder.parent, members)
        return self.folder


def weights(source: str | Path, base: str | Path = "", **_: Any) -> tuple[Part, ...]:
    """What ``load`` wants of other places."""
    return *_adapter(source), *hub_folder(base)


def _adapter(source: str | Path) -> tuple[Adapter, ...]:
    if Path(source).is_dir():
        return ()
    if str(source) != "dreamsim":
        raise InputError(f"{source} is neither a folder nor 'dreamsim'; name the folder {ADAPTER}.")
    return (Adapter(),)


def load(source: str | Path, device: str, base: str | Path = "") -> DreamsimEncoder:
    """``source``: the adapter's folder, or ``dreamsim`` for the published one; ``base``: ``facebook/dino-vitb16@REVISION``."""
    parts = _adapter(source)
    adapter, folder = here(parts[0]) if parts else Path(source), folder_at(base)
    sha = identity([*safetensors_of(folder), adapter_file(adapter)], [*settings_in(folder), *existing(adapter, CONFIG)])
    return DreamsimEncoder("dreamsim-dino-vitb16", sha, device, folder, adapter)
