"""PickScore (Kirstain et al. 2023): a CLIP ViT-H/14 tuned on people's choices between two pictures of one prompt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from t2ialign.downloads import Part
from t2ialign.encoders.preprocess import CLIP_224, prepared, preprocess
from t2ialign.encoders.weights import folder_at, folder_identity, frozen, hub_folder, last_tokens
from t2ialign.types import Prompt

if TYPE_CHECKING:
    from transformers import CLIPModel

BATCH = 32


@dataclass(frozen=True)
class PickScoreEncoder:
    """Provides ``pick_score`` [n]: exp(logit_scale) cos(picture, prompt), about 17 to 24."""

    id: str
    sha: str
    device: str
    folder: Path
    provides: tuple[str, ...] = ("pick_score",)

    @cached_property
    def model(self) -> CLIPModel:
        from transformers import CLIPModel

        model = CLIPModel.from_pretrained(self.folder, use_safetensors=True)
        return frozen(model, self.device)

    @torch.no_grad()
    def encode(self, images: UInt8[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        tokens = self._tokens(prompt)
        batches = torch.split(preprocess(images, self._preparation()), BATCH)
        return {"pick_score": torch.cat([self._score(batch.to(self.device), tokens) for batch in batches])}

    def features(self, pixels: Float[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        return self.compared(*self.embeddings(pixels, prompt))

    def embeddings(
        self, pixels: Float[Tensor, "n 3 h w"], prompt: Prompt
    ) -> tuple[Float[Tensor, "n d"], Float[Tensor, " d"]]:
        """Of pictures, with gradients, and of the prompt."""
        ready = prepared(pixels.to(self.device), self._preparation())
        found = self.model(input_ids=self._tokens(prompt).to(self.device), pixel_values=ready)
        return found.image_embeds.float(), found.text_embeds[0].float()

    def compared(self, image: Float[Tensor, "n d"], text: Float[Tensor, " d"]) -> dict[str, Tensor]:
        return {"pick_score": self.model.logit_scale.exp().float() * (image @ text)}

    def _tokens(self, prompt: Prompt) -> Int[Tensor, "1 l"]:
        """In the vocabulary of every CLIP; what stands after the end of the text is never looked at."""
        from open_clip import SimpleTokenizer

        found: Tensor = SimpleTokenizer(context_length=self.model.text_model.config.max_position_embeddings)(
            [prompt.text]
        )
        return found

    def _preparation(self) -> dict[str, Any]:
        return {**CLIP_224, "size": self.model.vision_model.config.image_size}

    def unread(self, prompt: Prompt) -> str:
        from open_clip import SimpleTokenizer

        limit = self.model.text_model.config.max_position_embeddings
        return last_tokens(len(SimpleTokenizer().encode(prompt.text)) + 2 - limit)

    def _score(self, pixels: Float[Tensor, "b 3 s s"], tokens: Tensor) -> Float[Tensor, " b"]:
        outputs = self.model(input_ids=tokens.to(self.device), pixel_values=pixels)
        scores: Tensor = outputs.logits_per_image[:, 0].float()
        return scores


def weights(source: str | Path, **_: Any) -> tuple[Part, ...]:
    """What ``load`` wants of other places."""
    return hub_folder(source)


def load(source: str | Path, device: str) -> PickScoreEncoder:
    """``source``: ``yuvalkirstain/PickScore_v1@REVISION``, or a folder of a transformers ``CLIPModel``."""
    folder = folder_at(source)
    return PickScoreEncoder("pick-score", folder_identity(folder), device, folder)
