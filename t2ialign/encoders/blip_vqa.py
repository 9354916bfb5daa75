"""BLIP-VQA (T2I-CompBench, Huang et al. 2023): is every thing that the prompt names there, asked one by one?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from t2ialign.downloads import Part
from t2ialign.encoders.noun_phrases import noun_phrases
from t2ialign.encoders.preprocess import BLIP_480, preprocess
from t2ialign.encoders.weights import folder_at, folder_identity, frozen, hub_folder
from t2ialign.types import Prompt

if TYPE_CHECKING:
    from transformers import BlipForQuestionAnswering

PHRASES, MAX_TOKENS, BATCH = 8, 35, 8


@dataclass(frozen=True)
class BlipVqaEncoder:
    """Provides ``blip_vqa`` [n]: the product over at most 8 noun phrases of p(yes) / (p(yes) + p(no))."""

    id: str
    sha: str
    device: str
    folder: Path
    provides: tuple[str, ...] = ("blip_vqa",)

    @cached_property
    def model(self) -> BlipForQuestionAnswering:
        from transformers import BlipForQuestionAnswering

        model = BlipForQuestionAnswering.from_pretrained(self.folder, use_safetensors=True)
        return frozen(model, self.device)

    @cached_property
    def tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.folder)

    @torch.no_grad()
    def encode(self, images: UInt8[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        pixels = preprocess(images, {**BLIP_480, "size": self.model.vision_model.config.image_size})
        vision = [self.model.vision_model(pixel_values=part.to(self.device))[0] for part in torch.split(pixels, BATCH)]
        seen, score = torch.cat(vision), torch.ones(len(images), device=self.device)
        for phrase in noun_phrases(prompt.text)[:PHRASES]:
            score = score * torch.cat([self._yes(part, f"{phrase}?") for part in torch.split(seen, BATCH)])
        return {"blip_vqa": score}

    def unread(self, prompt: Prompt) -> str:
        phrases = noun_phrases(prompt.text)
        long = [phrase for phrase in phrases[:PHRASES] if len(self._tokens(phrase)) > MAX_TOKENS]
        found = [f"the end of {phrase[:60]!r}" for phrase in long]
        found += [f"its phrases from {phrases[PHRASES][:60]!r} on"] if len(phrases) > PHRASES else []
        return " and ".join(found)

    def _tokens(self, phrase: str) -> list[int]:
        """The question for a phrase, uncut."""
        tokens: list[int] = self.tokenizer(f"{phrase}?", truncation=False, verbose=False).input_ids
        return tokens

    def _yes(self, seen: Float[Tensor, "b l d"], question: str) -> Float[Tensor, " b"]:
        """Share of "yes" against "no" in the answer's first token."""
        asked = self.tokenizer(question, truncation=True, max_length=MAX_TOKENS, return_tensors="pt").to(self.device)
        # The first token tells BLIP's text half that it reads beside a picture; transformers leaves BERT's [CLS] there.
        first = self.model.text_encoder.config.bos_token_id
        assert first is not None, "every BLIP names its first token"
        asked["input_ids"][:, 0] = first + 1
        tokens, mask = (asked[name].expand(len(seen), -1) for name in ("input_ids", "attention_mask"))
        picture_mask = torch.ones(seen.shape[:2], dtype=torch.long, device=self.device)
        question_states = self.model.text_encoder(
            input_ids=tokens, attention_mask=mask, encoder_hidden_states=seen, encoder_attention_mask=picture_mask
        )[0]
        start = torch.full((len(seen), 1), first, device=self.device)
        logits = self.model.text_decoder(
            input_ids=start, encoder_hidden_states=question_states, encoder_attention_mask=mask
        ).logits[:, 0]
        yes, no = (self.tokenizer.convert_tokens_to_ids(word) for word in ("yes", "no"))
        return torch.sigmoid(logits[:, yes] - logits[:, no]).float()


def weights(source: str | Path, **_: Any) -> tuple[Part, ...]:
    """What ``load`` wants of other places."""
    return hub_folder(source)


def load(source: str | Path, device: str) -> BlipVqaEncoder:
    """``source``: ``Salesforce/blip-vqa-base@REVISION``, or a folder of a ``BlipForQuestionAnswering``."""
    folder = folder_at(source)
    return BlipVqaEncoder("blip-vqa", folder_identity(folder), device, folder)
