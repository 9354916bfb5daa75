"""VQAScore (Lin et al. 2024): the probability that a vision-language model answers yes when asked for the prompt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from t2ialign.downloads import Part
from t2ialign.encoders.weights import folder_at, folder_identity, frozen, hub_folder
from t2ialign.types import InputError, Prompt, content_key

PATTERNS = ("*.json", "*.txt", "*.jinja", "*.model", "*.safetensors")
TEMPLATE = 'Does this figure show "{}"? Please answer yes or no.'


@dataclass(frozen=True)
class VqaScoreEncoder:
    """Provides ``vqa_score`` [n] = p("Yes") and ``vqa_score_ratio`` [n] = p("Yes") / (p("Yes") + p("No")).

    Any chat model of transformers that reads pictures will do; model, template and precision are part of the identity.
    """

    id: str
    sha: str
    device: str
    folder: Path
    template: str
    dtype: str
    provides: tuple[str, ...] = ("vqa_score", "vqa_score_ratio")

    @cached_property
    def model(self) -> nn.Module:
        from transformers import AutoModelForImageTextToText

        wanted = getattr(torch, self.dtype)
        model = AutoModelForImageTextToText.from_pretrained(self.folder, use_safetensors=True, dtype=wanted)
        return frozen(model, self.device)

    @cached_property
    def processor(self) -> Any:
        from transformers import AutoProcessor

        return AutoProcessor.from_pretrained(self.folder)  # type: ignore[no-untyped-call]  # no types in transformers

    @torch.no_grad()
    def encode(self, images: UInt8[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        yes, no = (self._first_token(word) for word in ("Yes", "No"))
        shares = torch.stack([self._answer(image, prompt.text) for image in images])
        return {"vqa_score": shares[:, yes], "vqa_score_ratio": shares[:, yes] / (shares[:, yes] + shares[:, no])}

    def _first_token(self, word: str) -> int:
        return int(self.processor.tokenizer(word, add_special_tokens=False).input_ids[0])

    def _answer(self, image: UInt8[Tensor, "3 h w"], text: str) -> Float[Tensor, " v"]:
        """Probabilities of the answer's first token."""
        from torchvision.transforms.functional import to_pil_image

        asked = [{"type": "image"}, {"type": "text", "text": self.template.format(text)}]
        chat = self.processor.apply_chat_template([{"role": "user", "content": asked}], add_generation_prompt=True)
        inputs = self.processor(text=[chat], images=[to_pil_image(image.cpu())], return_tensors="pt").to(self.device)
        self._check_length(inputs["input_ids"].shape[1])
        inputs = {
            name: value.to(self.model.dtype) if value.is_floating_point() else value for name, value in inputs.items()
        }
        shares: Tensor = self.model(**inputs).logits[0, -1].float().softmax(0)
        return shares

    def _check_length(self, tokens: int) -> None:
        """Nothing is cut, so a question that the model was not made for has no score."""
        config = self.model.config.get_text_config()  # type: ignore[union-attr,operator]  # no types in transformers
        limit = int(getattr(config, "max_position_embeddings", 0))
        if 0 < limit < tokens:
            raise InputError(
                f"The question for this prompt is {tokens} tokens long with its picture, and {self.folder.name} reads "
                f"{limit}: shorten the prompt, or choose another model."
            )


def weights(source: str | Path, **_: Any) -> tuple[Part, ...]:
    """What ``load`` wants of other places."""
    return hub_folder(source, PATTERNS)


def load(source: str | Path, device: str, template: str = TEMPLATE, dtype: str = "float32") -> VqaScoreEncoder:
    """``source``: e.g. ``Qwen/Qwen2.5-VL-3B-Instruct@REVISION``, or a folder of an image-text-to-text model."""
    folder = folder_at(source, PATTERNS)
    sha = content_key([folder_identity(folder), template, dtype])
    return VqaScoreEncoder("vqa-score", sha, device, folder, template, dtype)
