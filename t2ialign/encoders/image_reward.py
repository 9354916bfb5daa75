"""ImageReward (Xu et al. 2023): BLIP reads picture and prompt together, a linear map turns its summary into a reward.

The published checkpoint is mapped onto transformers' BLIP modules, whose sizes are read from the weights themselves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from t2ialign.content import identity, settings_in
from t2ialign.downloads import Part
from t2ialign.encoders.preprocess import CLIP_224, prepared, preprocess
from t2ialign.encoders.reward_head import collapse
from t2ialign.encoders.weights import file_at, folder_at, frozen, hub_file, hub_folder, last_tokens
from t2ialign.types import InputError, Prompt

if TYPE_CHECKING:
    from transformers import BlipTextModel, BlipVisionModel

WEIGHTS, CONFIG = "ImageReward.pt", "med_config.json"
WORDS = ("*.json", "*.txt")  # of the tokenizer
MEAN, STD = 0.16717362830052426, 1.0333394966054072
MAX_TOKENS, HEAD_WIDTH, BATCH = 35, 64, 16
VISION_NAMES = (
    (r"^cls_token$", "embeddings.class_embedding"),
    (r"^pos_embed$", "embeddings.position_embedding"),
    (r"^patch_embed\.proj\.", "embeddings.patch_embedding."),
    (r"^norm\.", "post_layernorm."),
    (r"^blocks\.(\d+)\.norm(\d)\.", r"encoder.layers.\1.layer_norm\2."),
    (r"^blocks\.(\d+)\.attn\.qkv\.", r"encoder.layers.\1.self_attn.qkv."),
    (r"^blocks\.(\d+)\.attn\.proj\.", r"encoder.layers.\1.self_attn.projection."),
    (r"^blocks\.(\d+)\.mlp\.", r"encoder.layers.\1.mlp."),
)


@dataclass(frozen=True)
class BlipReader:
    """BLIP's two halves and the map from the first token's state to the reward."""

    vision: BlipVisionModel
    text: BlipTextModel
    weight: Float[Tensor, " d"]
    bias: Float[Tensor, ""]


@dataclass(frozen=True)
class ImageRewardEncoder:
    """Provides ``image_reward`` [n], in deviations of the training rewards. Prompts are cut at 35 tokens."""

    id: str
    sha: str
    device: str
    files: tuple[Path, Path]
    tokenizer_folder: Path
    provides: tuple[str, ...] = ("image_reward",)

    @cached_property
    def reader(self) -> BlipReader:
        weights, config = self.files
        try:
            state = torch.load(weights, map_location="cpu", weights_only=True)
            return build(state, json.loads(config.read_text()), self.device)
        except Exception as error:  # torch raises five unrelated types for a damaged or foreign file
            raise InputError(f"{weights} is not ImageReward's checkpoint; fetch it again.") from error

    @cached_property
    def tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.tokenizer_folder)

    @torch.no_grad()
    def encode(self, images: UInt8[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        return self._rewards(preprocess(images, self._preparation()), prompt)

    def features(self, pixels: Float[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        """The same of pixels, with gradients."""
        return self._rewards(prepared(pixels.to(self.device), self._preparation()), prompt)

    def _preparation(self) -> dict[str, Any]:
        return {**CLIP_224, "size": self.reader.vision.config.image_size}

    def _rewards(self, ready: Float[Tensor, "n 3 s s"], prompt: Prompt) -> dict[str, Tensor]:
        options = {"padding": "max_length", "truncation": True, "max_length": MAX_TOKENS, "return_tensors": "pt"}
        tokens = self.tokenizer(prompt.text, **options).to(self.device)
        batches = [self._reward(batch.to(self.device), tokens) for batch in torch.split(ready, BATCH)]
        return {"image_reward": torch.cat(batches)}

    def unread(self, prompt: Prompt) -> str:
        return last_tokens(len(self.tokenizer(prompt.text, truncation=False, verbose=False).input_ids) - MAX_TOKENS)

    def _reward(self, pixels: Float[Tensor, "b 3 s s"], tokens: Mapping[str, Tensor]) -> Float[Tensor, " b"]:
        seen = self.reader.vision(pixel_values=pixels).last_hidden_state
        states = self.reader.text(
            input_ids=tokens["input_ids"].expand(len(seen), -1),
            attention_mask=tokens["attention_mask"].expand(len(seen), -1),
            encoder_hidden_states=seen,
            encoder_attention_mask=torch.ones(seen.shape[:2], dtype=torch.long, device=seen.device),
        ).last_hidden_state
        reward = states[:, 0].double() @ self.reader.weight + self.reader.bias
        scaled: Tensor = ((reward - MEAN) / STD).float()
        return scaled


def weights(source: str | Path, tokenizer: str | Path = "", **_: Any) -> tuple[Part, ...]:
    """What ``load`` wants of other places."""
    return *hub_file(source, WEIGHTS), *hub_file(source, CONFIG), *hub_folder(tokenizer or source, WORDS)


def load(source: str | Path, device: str, tokenizer: str | Path = "") -> ImageRewardEncoder:
    """``source``: ``zai-org/ImageReward@REVISION`` or a folder with its two files.

    ``tokenizer``: a folder or repository with BERT's uncased vocabulary; by default ``source`` itself.
    """
    files = file_at(source, WEIGHTS), file_at(source, CONFIG)
    words = folder_at(tokenizer or source, WORDS)
    return ImageRewardEncoder("image-reward", identity(files, settings_in(words)), device, files, words)


def build(state: Mapping[str, Tensor], med: Mapping[str, Any], device: str) -> BlipReader:
    """Transformers' modules with the checkpoint's ``blip.visual_encoder``, ``blip.text_encoder`` and ``mlp``."""
    from transformers import BlipTextConfig, BlipTextModel, BlipVisionModel

    vision_state = {renamed(name): tensor for name, tensor in _below(state, "blip.visual_encoder.").items()}
    vision = BlipVisionModel(_vision_config(vision_state))
    vision.load_state_dict(vision_state)
    text_state = _below(state, "blip.text_encoder.")
    width = vision.config.hidden_size
    shared = {name: med[name] for name in BlipTextConfig().to_dict() if name in med and name != "model_type"}
    text = BlipTextModel(BlipTextConfig(**{**shared, "encoder_hidden_size": width, "is_decoder": True}), False)
    text.load_state_dict(
        {name: tensor for name, tensor in text_state.items() if not name.endswith("position_ids")}, False
    )
    missing = set(text.state_dict()) - set(text_state) - {"embeddings.position_ids"}
    if missing:
        raise KeyError(f"the checkpoint lacks {sorted(missing)[0]}")
    weight, bias = (part.to(device) for part in collapse(state, "mlp.layers."))
    return BlipReader(frozen(vision, device), frozen(text, device), weight, bias)


def renamed(name: str) -> str:
    """A vision weight's name in transformers."""
    for pattern, replacement in VISION_NAMES:
        name, count = re.subn(pattern, replacement, name)
        if count:
            break
    return name


def _below(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}


def _vision_config(state: Mapping[str, Tensor]) -> Any:
    """Sizes from shapes; heads are 64 wide in every ViT of BLIP, and its norms use timm's epsilon."""
    from transformers import BlipVisionConfig

    width, _, patch, _ = state["embeddings.patch_embedding.weight"].shape
    side = round((state["embeddings.position_embedding"].shape[1] - 1) ** 0.5)
    return BlipVisionConfig(
        hidden_size=width,
        intermediate_size=state["encoder.layers.0.mlp.fc1.weight"].shape[0],
        num_hidden_layers=len({name.split(".")[2] for name in state if name.startswith("encoder.layers.")}),
        num_attention_heads=max(1, width // HEAD_WIDTH),
        image_size=side * patch,
        patch_size=patch,
        layer_norm_eps=1e-6,
    )
