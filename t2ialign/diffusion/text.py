"""Prompts to embeddings, for models with one CLIP text encoder (SD-1.5, SD-2.1) and with two (SDXL)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from t2ialign.limits import literal_note


@dataclass(frozen=True)
class PromptEmbeds:
    """What the UNet reads of ``b`` prompts; ``pooled_prompt_embeds`` for SDXL only.

    ``truncated`` holds, for each prompt, the words that were cut because the model reads no more ("" = none).
    """

    prompt_embeds: Float[Tensor, "b l d"]
    pooled_prompt_embeds: Float[Tensor, "b p"] | None
    truncated: tuple[str, ...]

    def repeat(self, times: int) -> PromptEmbeds:
        """The first prompt's embeddings ``times`` over, then the second's, and so on."""
        return PromptEmbeds(
            self.prompt_embeds.repeat_interleave(times, 0),
            None if self.pooled_prompt_embeds is None else self.pooled_prompt_embeds.repeat_interleave(times, 0),
            tuple(words for words in self.truncated for _ in range(times)),
        )

    def halves(self) -> tuple[PromptEmbeds, PromptEmbeds]:
        """The first half of the prompts, and the second."""
        middle, pooled = len(self.prompt_embeds) // 2, self.pooled_prompt_embeds
        first, second = (
            PromptEmbeds(self.prompt_embeds[part], None if pooled is None else pooled[part], self.truncated[part])
            for part in (slice(middle), slice(middle, None))
        )
        return first, second


def stack(parts: Sequence[PromptEmbeds]) -> PromptEmbeds:
    """Several prompts' embeddings as one batch."""
    pooled = [part.pooled_prompt_embeds for part in parts if part.pooled_prompt_embeds is not None]
    return PromptEmbeds(
        torch.cat([part.prompt_embeds for part in parts]),
        torch.cat(pooled) if pooled else None,
        tuple(words for part in parts for words in part.truncated),
    )


def mixed(parts: Sequence[tuple[float, PromptEmbeds]]) -> PromptEmbeds:
    """Embeddings of the same prompts by several encoders, each with its share; one alone stays as it is."""
    if len(parts) == 1 and parts[0][0] == 1:
        return parts[0][1]
    pooled = [(share, part.pooled_prompt_embeds) for share, part in parts if part.pooled_prompt_embeds is not None]
    return PromptEmbeds(
        torch.stack([share * part.prompt_embeds for share, part in parts]).sum(0),
        torch.stack([share * one for share, one in pooled]).sum(0) if pooled else None,
        parts[0][1].truncated,
    )


@dataclass(frozen=True)
class TextEncoder:
    """The tokenizers and text encoders of a backbone. ``zero_empty``: an empty prompt is all zeros (SDXL's base)."""

    family: Literal["sd", "sdxl"]
    tokenizers: tuple[Any, ...]
    encoders: tuple[nn.Module, ...]
    zero_empty: bool

    def encode(self, prompts: Sequence[str]) -> PromptEmbeds:
        """Each prompt by itself, so that its embeddings do not depend on the batch it comes in."""
        return stack([self._one(prompt) for prompt in prompts])

    def _one(self, prompt: str) -> PromptEmbeds:
        pairs = list(zip(self.tokenizers, self.encoders, strict=True))
        parts = [self._forward(tokenizer, encoder, prompt) for tokenizer, encoder in pairs]
        tokens = torch.cat([part[0] for part in parts], -1)
        pooled = parts[-1][1]
        if not prompt and self.zero_empty:
            tokens, pooled = torch.zeros_like(tokens), None if pooled is None else torch.zeros_like(pooled)
        return PromptEmbeds(tokens, pooled, (truncated_words(self.tokenizers[0], token_limit(*pairs[0]), prompt),))

    def _forward(self, tokenizer: Any, encoder: Any, prompt: str) -> tuple[Tensor, Tensor | None]:
        length = token_limit(tokenizer, encoder)
        ids = tokenizer(
            [prompt], padding="max_length", max_length=length, truncation=True, return_tensors="pt"
        ).input_ids
        if self.family == "sd":
            return encoder(ids.to(encoder.device))[0], None
        output = encoder(ids.to(encoder.device), output_hidden_states=True)
        return output.hidden_states[-2], output[0]  # the last encoder's first output is its pooled projection


def token_limit(tokenizer: Any, encoder: Any) -> int:
    """How many tokens the model reads, the two that mark start and end included."""
    return min(tokenizer.model_max_length, encoder.config.max_position_embeddings)


def truncated_words(tokenizer: Any, limit: int, prompt: str) -> str:
    """The end of a prompt that a model of so many tokens does not read, as its tokenizer spells it."""
    ids = tokenizer(prompt, truncation=False, verbose=False).input_ids
    return tokenizer.decode(ids[limit - 1 : -1]).strip()


def truncation_note(truncated: str, limit: int = 60, what: str = "prompt") -> str:
    """The sentence that tells people what the model did not read; "" when it read everything."""
    if not truncated:
        return ""
    start = truncated if len(truncated) <= limit else truncated[:limit].rsplit(" ", 1)[0] + " ..."
    left_out = f"everything from {start!r} on was left out ({len(truncated)} characters)"
    return f"The {what} is longer than the model can read: {left_out}."


def truncation_notes(truncated: Sequence[str]) -> str:
    """The same of the prompts of many examples, of each what was cut ("" = nothing); "" where nothing was."""
    cut = [words for words in truncated if words]
    if not cut:
        return ""
    return (
        f"{len(cut)} of {len(truncated)} examples have prompts that are longer than the model can read; their ends were left "
        f"out, of the first {cut[0][:60]!r}."
    )


def prompt_notes(folder: Path, prompt: str, negative_prompt: str) -> Iterator[str]:
    """What people should know about how the model in a folder reads their words; its networks are not loaded."""
    for text, what in ((prompt, "prompt"), (negative_prompt, "negative prompt")):
        yield truncation_note(unread_words(folder, text), what=what)
        yield literal_note(text, what)


def unread_words(folder: Path, prompt: str) -> str:
    """The end of a prompt that the model in a folder does not read; "" where the folder does not say."""
    try:
        limit = _limit(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if len(prompt.encode()) + 2 <= limit:  # a token is a byte at least
        return ""
    return truncated_words(_tokenizer(folder), limit, prompt)


@cache
def _limit(folder: Path) -> int:
    config, tokenizer = (
        json.loads((folder / name).read_text(encoding="utf-8"))
        for name in ("text_encoder/config.json", "tokenizer/tokenizer_config.json")
    )
    return min(int(config["max_position_embeddings"]), int(tokenizer["model_max_length"]))


@cache
def _tokenizer(folder: Path) -> Any:
    from transformers import CLIPTokenizer

    return CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
