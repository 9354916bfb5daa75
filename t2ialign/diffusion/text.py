"""Prompts to embeddings: one CLIP (SD-1.5, SD-2.1), two (SDXL), two and a T5 (SD-3), one and a T5 (FLUX.1), a T5 (AuraFlow).

Language models of other families are in ``language_models``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from t2ialign.content import INDEX
from t2ialign.diffusion.language_models import FEWEST, SPEAKERS, unread
from t2ialign.limits import literal_note
from t2ialign.model_families import FAMILIES

T5_TOKENS = {"sd3": 256, "flux": 512, "auraflow": 256}  # how many a T5 reads, as the stock pipelines have it


@dataclass(frozen=True)
class PromptEmbeds:
    """What the network reads of ``b`` prompts; ``pooled_prompt_embeds`` for SDXL and flow models only.

    ``truncated`` holds, for each prompt, the words that were cut because the model reads no more ("" = none). ``mask`` says
    which tokens count where prompts are of different lengths; None where all do.
    """

    prompt_embeds: Float[Tensor, "b l d"]
    pooled_prompt_embeds: Float[Tensor, "b p"] | None
    truncated: tuple[str, ...]
    mask: Bool[Tensor, "b l"] | None = None

    def take(self, rows: Int[Tensor, " n"]) -> PromptEmbeds:
        """These prompts' embeddings, in this order, any of them as often as it is asked for."""
        pooled, mask = self.pooled_prompt_embeds, self.mask
        return PromptEmbeds(
            self.prompt_embeds[rows],
            None if pooled is None else pooled[rows],
            tuple(self.truncated[row] for row in rows.tolist()),
            None if mask is None else mask[rows],
        )

    def to(self, device: str) -> PromptEmbeds:
        """The same on a device."""
        pooled, mask = self.pooled_prompt_embeds, self.mask
        return PromptEmbeds(
            self.prompt_embeds.to(device),
            None if pooled is None else pooled.to(device),
            self.truncated,
            None if mask is None else mask.to(device),
        )

    def repeat(self, times: int) -> PromptEmbeds:
        """The first prompt's embeddings ``times`` over, then the second's, and so on."""
        pooled, mask = self.pooled_prompt_embeds, self.mask
        return PromptEmbeds(
            self.prompt_embeds.repeat_interleave(times, 0),
            None if pooled is None else pooled.repeat_interleave(times, 0),
            tuple(words for words in self.truncated for _ in range(times)),
            None if mask is None else mask.repeat_interleave(times, 0),
        )

    def halves(self) -> tuple[PromptEmbeds, PromptEmbeds]:
        """The first half of the prompts, and the second."""
        middle, pooled, mask = len(self.prompt_embeds) // 2, self.pooled_prompt_embeds, self.mask
        first, second = (
            PromptEmbeds(
                self.prompt_embeds[part],
                None if pooled is None else pooled[part],
                self.truncated[part],
                None if mask is None else mask[part],
            )
            for part in (slice(middle), slice(middle, None))
        )
        return first, second


def stack(parts: Sequence[PromptEmbeds]) -> PromptEmbeds:
    """Several prompts' embeddings as one batch; the shorter ones are filled up, and ``mask`` says so."""
    pooled = [part.pooled_prompt_embeds for part in parts if part.pooled_prompt_embeds is not None]
    masks = [part.mask for part in parts if part.mask is not None]
    longest = max(part.prompt_embeds.shape[1] for part in parts)
    tokens = [nn.functional.pad(p, (0, 0, 0, longest - p.shape[1])) for p in (part.prompt_embeds for part in parts)]
    return PromptEmbeds(
        torch.cat(tokens),
        torch.cat(pooled) if pooled else None,
        tuple(words for part in parts for words in part.truncated),
        torch.cat([nn.functional.pad(mask, (0, longest - mask.shape[1])) for mask in masks]) if masks else None,
    )


def mixed(parts: Sequence[tuple[float, PromptEmbeds]]) -> PromptEmbeds:
    """Embeddings of the same prompts by several encoders, each with its share; one alone stays as it is."""
    if len(parts) == 1 and parts[0][0] == 1:
        return parts[0][1]
    pooled = [(share, part.pooled_prompt_embeds) for share, part in parts if part.pooled_prompt_embeds is not None]
    return replace(
        parts[0][1],
        prompt_embeds=torch.stack([share * part.prompt_embeds for share, part in parts]).sum(0),
        pooled_prompt_embeds=torch.stack([share * one for share, one in pooled]).sum(0) if pooled else None,
    )


@dataclass(frozen=True)
class TextEncoder:
    """The tokenizers and text encoders of a backbone. ``zero_empty``: an empty prompt is all zeros (SDXL's base).

    ``joint`` is how wide the embeddings are that a flow model's transformer reads, which says it where the T5 is left out.
    """

    family: str
    tokenizers: tuple[Any, ...]
    encoders: tuple[nn.Module, ...]
    zero_empty: bool
    joint: int = 0

    def encode(self, prompts: Sequence[str], negative: bool = False) -> PromptEmbeds:
        """Each prompt by itself, so that its embeddings do not depend on the batch it comes in.

        ``negative``: they say what guidance leads away from, which some families read in another way.
        """
        if self.family in SPEAKERS:
            return stack([self._spoken(prompt, negative) for prompt in prompts])
        one = {"sd3": self._sd3, "flux": self._flux, "auraflow": self._auraflow}.get(self.family, self._one)
        return stack([one(prompt) for prompt in prompts])

    def _one(self, prompt: str) -> PromptEmbeds:
        pairs = list(zip(self.tokenizers, self.encoders, strict=True))
        parts = [self._forward(tokenizer, encoder, prompt) for tokenizer, encoder in pairs]
        tokens = torch.cat([part[0] for part in parts], -1)
        pooled = parts[-1][1]
        if not prompt and self.zero_empty:
            tokens, pooled = torch.zeros_like(tokens), None if pooled is None else torch.zeros_like(pooled)
        return PromptEmbeds(tokens, pooled, (truncated_words(self.tokenizers[0], token_limit(*pairs[0]), prompt),))

    def _sd3(self, prompt: str) -> PromptEmbeds:
        """Both CLIPs beside each other, filled up with zeros to the T5's width, and the T5 below; both pooled outputs."""
        pairs = list(zip(self.tokenizers, self.encoders, strict=True))
        parts = [self._forward(tokenizer, encoder, prompt) for tokenizer, encoder in pairs[:2]]
        tokens, limit = torch.cat([part[0] for part in parts], -1), T5_TOKENS["sd3"]
        said, reader = tokens.new_zeros((1, limit, self.joint)), (self.tokenizers[0], token_limit(*pairs[0]))
        if len(pairs) == 3:
            said, reader = _t5(*pairs[2], prompt, limit), (self.tokenizers[2], limit)
        tokens = nn.functional.pad(tokens, (0, said.shape[-1] - tokens.shape[-1]))
        pooled = torch.cat([part[1] for part in parts if part[1] is not None], -1)
        return PromptEmbeds(torch.cat([tokens, said], -2), pooled, (truncated_words(*reader, prompt),))

    def _flux(self, prompt: str) -> PromptEmbeds:
        """What the T5 reads, and the CLIP's pooled output."""
        tokenizer = self.tokenizers[0]
        clip: Any = self.encoders[0]
        pooled = clip(_ids(tokenizer, prompt, token_limit(tokenizer, clip)).to(clip.device)).pooler_output
        limit = T5_TOKENS["flux"]
        said = _t5(self.tokenizers[1], self.encoders[1], prompt, limit)
        return PromptEmbeds(said, pooled, (truncated_words(self.tokenizers[1], limit, prompt),))

    def _auraflow(self, prompt: str) -> PromptEmbeds:
        """What the T5 reads of the prompt, zeros after its end."""
        tokenizer, encoder = self.tokenizers[0], self.encoders[0]
        limit = T5_TOKENS["auraflow"]
        said = tokenizer([prompt], padding="max_length", max_length=limit, truncation=True, return_tensors="pt")
        mask: Any = said.attention_mask.to(encoder.device)
        tokens = encoder(said.input_ids.to(encoder.device), attention_mask=mask)[0]
        tokens = tokens * mask.to(tokens.device).unsqueeze(-1).expand(
            tokens.shape
        )  # an encoder that takes turns was away
        return PromptEmbeds(tokens, None, (truncated_words(tokenizer, limit, prompt),))

    def _spoken(self, prompt: str, negative: bool) -> PromptEmbeds:
        """What a language model makes of the prompt."""
        tokenizer, encoder = self.tokenizers[0], self.encoders[0]
        said = SPEAKERS[self.family].read(tokenizer, encoder, prompt, negative)
        return PromptEmbeds(said.tokens, None, (unread(self.family, tokenizer, prompt),), said.mask)

    def _forward(self, tokenizer: Any, encoder: Any, prompt: str) -> tuple[Tensor, Tensor | None]:
        ids = _ids(tokenizer, prompt, token_limit(tokenizer, encoder))
        if self.family == "sd":
            return encoder(ids.to(encoder.device))[0], None
        output = encoder(ids.to(encoder.device), output_hidden_states=True)
        return output.hidden_states[-2], output[0]  # the last encoder's first output is its pooled projection


def _ids(tokenizer: Any, prompt: str, length: int) -> Tensor:
    said = tokenizer([prompt], padding="max_length", max_length=length, truncation=True, return_tensors="pt")
    ids: Tensor = said.input_ids
    return ids


def _t5(tokenizer: Any, encoder: Any, prompt: str, length: int) -> Float[Tensor, "1 l d"]:
    output: Tensor = encoder(_ids(tokenizer, prompt, length).to(encoder.device))[0]
    return output


def token_limit(tokenizer: Any, encoder: Any) -> int:
    """How many tokens the model reads, the two that mark start and end included."""
    return int(min(tokenizer.model_max_length, encoder.config.max_position_embeddings))


def truncated_words(tokenizer: Any, limit: int, prompt: str) -> str:
    """The end of a prompt that a model of so many tokens does not read, as its tokenizer spells it."""
    ids = tokenizer(prompt, truncation=False, verbose=False).input_ids
    words: str = tokenizer.decode(ids[limit - 1 : -1]).strip()
    return words


def truncation_note(truncated: str, limit: int = 60, what: str = "prompt") -> str:
    """The sentence that tells people what the model did not read; "" when it read everything."""
    if not truncated:
        return ""
    start = truncated if len(truncated) <= limit else truncated[:limit].rsplit(" ", 1)[0] + " ..."
    left_out = f"everything from {start!r} on was left out ({len(truncated)} characters)"
    return f"The {what} is longer than the model can read: {left_out}."


def truncation_notes(truncated: Sequence[str]) -> str:
    """One sentence for many prompts: how many were cut, from what was cut of each ("" = nothing); "" where none was."""
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
        if family := _speaker(folder):
            short = len(prompt.encode()) <= FEWEST  # a token is a byte at least
            return "" if short else unread(family, _language_tokenizer(folder), prompt)
        limit = _limit(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if len(prompt.encode()) + 2 <= limit:  # a token is a byte at least
        return ""
    return truncated_words(_tokenizer(folder), limit, prompt)


def reader_in(folder: Path) -> tuple[Any, int]:
    """The tokenizer of the model in a folder, and how many tokens it reads."""
    return _tokenizer(folder), _limit(folder)


@cache
def _speaker(folder: Path) -> str:
    """The family of a folder's model where a language model reads its prompts; "" where it is another."""
    named = str(json.loads((folder / INDEX).read_text(encoding="utf-8"))["_class_name"])
    return next((name for name in SPEAKERS if FAMILIES[name].pipeline == named), "")


@cache
def _language_tokenizer(folder: Path) -> Any:
    from transformers import AutoProcessor, AutoTokenizer

    kind: Any = AutoProcessor if _speaker(folder) == "flux2" else AutoTokenizer
    return kind.from_pretrained(folder / "tokenizer", local_files_only=True)


@cache
def _limit(folder: Path) -> int:
    part, most = _reader(folder)
    if most:
        return most
    config, tokenizer = (
        json.loads((folder / name).read_text(encoding="utf-8"))
        for name in ("text_encoder/config.json", f"{part}/tokenizer_config.json")
    )
    return min(int(config["max_position_embeddings"]), int(tokenizer["model_max_length"]))


@cache
def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer, CLIPTokenizer, T5Tokenizer

    part, most = _reader(folder)
    kind = AutoTokenizer if most and part == "tokenizer" else T5Tokenizer if most else CLIPTokenizer
    return kind.from_pretrained(folder / part, local_files_only=True)  # AuraFlow's is a Llama's


def _reader(folder: Path) -> tuple[str, int]:
    """The tokenizer of the encoder that reads most of a prompt, and how much of it (0: as its files say)."""
    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    readers = {
        "StableDiffusion3Pipeline": ("tokenizer_3", "sd3"),
        "FluxPipeline": ("tokenizer_2", "flux"),
        "AuraFlowPipeline": ("tokenizer", "auraflow"),
    }
    part, family = readers.get(index["_class_name"], ("tokenizer", ""))
    if not family or index[part][0] is None:
        return "tokenizer", 0
    return part, T5_TOKENS[family]
