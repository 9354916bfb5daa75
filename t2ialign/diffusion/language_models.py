"""Prompts read by language models, as their stock pipelines do it: Mistral-3, Qwen-3, Qwen-2.5-VL, Gemma-2.

Each puts a prompt into a frame of its own, a chat with a system message or an instruction, of which the network reads all
(FLUX.2), what comes after the system message (Qwen-Image) or the end (Sana).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

QWEN_SYSTEM = 34  # tokens of Qwen-Image's frame before the prompt, which its network does not read
FLUX2_TOKENS = 512
FILLED: dict[str, Any] = {
    "return_tensors": "pt",
    "padding": "max_length",
    "truncation": True,
    "max_length": FLUX2_TOKENS,
}
FEWEST = 192  # bytes that every one of these models reads of a prompt


@dataclass(frozen=True)
class Said:
    """What a network reads of one prompt, and which of its tokens count (None: all)."""

    tokens: Float[Tensor, "1 l d"]
    mask: Bool[Tensor, "1 l"] | None = None


@dataclass(frozen=True)
class Speaker:
    """How a family reads: ``limit`` is how many tokens, the frame's included; ``framed`` a prompt's tokens, cut nowhere."""

    limit: Callable[[Any], int]
    framed: Callable[[Any, str], list[int]]
    read: Callable[[Any, Any, str, bool], Said]


def unread(family: str, tokenizer: Any, prompt: str) -> str:
    """The end of a prompt that a family's model does not read; "" where it reads everything."""
    speaker = SPEAKERS[family]
    whole, frame = speaker.framed(tokenizer, prompt), speaker.framed(tokenizer, "")
    over = len(whole) - speaker.limit(tokenizer)
    after = 0
    while after < len(frame) and whole[-1 - after] == frame[-1 - after]:
        after += 1
    if over <= after:  # what is cut belongs to the frame
        return ""
    words = getattr(tokenizer, "tokenizer", tokenizer)
    end = len(whole) - after
    found: str = words.decode(whole[end - (over - after) : end])
    return found.strip()


def _mistral_text(tokenizer: Any, prompt: str) -> str:
    from diffusers.pipelines.flux2 import pipeline_flux2
    from diffusers.pipelines.flux2.system_messages import SYSTEM_MESSAGE

    said = pipeline_flux2.format_input([prompt], SYSTEM_MESSAGE)
    (text,) = tokenizer.apply_chat_template(said, add_generation_prompt=False, tokenize=False)
    return str(text)


def _mistral_ids(tokenizer: Any, prompt: str) -> list[int]:
    text = _mistral_text(tokenizer, prompt)
    return list(tokenizer.tokenizer(text, add_special_tokens=False, verbose=False).input_ids)


def _mistral(tokenizer: Any, encoder: Any, prompt: str, negative: bool) -> Said:
    """FLUX.2-dev: three layers of a Mistral-3 side by side, all 512 tokens."""
    found = tokenizer.tokenizer(_mistral_text(tokenizer, prompt), add_special_tokens=False, **FILLED)
    return Said(_side_by_side(encoder, found, (10, 20, 30)))


def _qwen3_text(tokenizer: Any, prompt: str) -> str:
    said = [{"role": "user", "content": prompt}]
    return str(tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True, enable_thinking=False))


def _qwen3_ids(tokenizer: Any, prompt: str) -> list[int]:
    return list(tokenizer(_qwen3_text(tokenizer, prompt), verbose=False).input_ids)


def _qwen3(tokenizer: Any, encoder: Any, prompt: str, negative: bool) -> Said:
    """FLUX.2-klein: three layers of a Qwen-3 side by side, all 512 tokens."""
    return Said(_side_by_side(encoder, tokenizer(_qwen3_text(tokenizer, prompt), **FILLED), (9, 18, 27)))


def _side_by_side(encoder: Any, found: Any, layers: tuple[int, ...]) -> Float[Tensor, "1 l d"]:
    output = encoder(
        input_ids=found.input_ids.to(encoder.device),
        attention_mask=found.attention_mask.to(encoder.device),
        output_hidden_states=True,
        use_cache=False,
    )
    tokens: Tensor = torch.cat([output.hidden_states[layer] for layer in layers], -1)
    return tokens


QWEN_FRAME = (
    "<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, quantity, text, spatial "
    "relationships of the objects and background:<|im_end|>\n<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
)


def _qwen_vl_ids(tokenizer: Any, prompt: str) -> list[int]:
    return list(tokenizer(QWEN_FRAME.format(prompt), verbose=False).input_ids)


def _qwen_vl(tokenizer: Any, encoder: Any, prompt: str, negative: bool) -> Said:
    """Qwen-Image: the last layer of a Qwen-2.5-VL after its system message, as long as the prompt is."""
    limit = _qwen_vl_limit(tokenizer)
    found = tokenizer(QWEN_FRAME.format(prompt), max_length=limit, truncation=True, return_tensors="pt").to(
        encoder.device
    )
    output = encoder(
        input_ids=found.input_ids, attention_mask=found.attention_mask, output_hidden_states=True
    ).hidden_states[-1]
    tokens = output[:, QWEN_SYSTEM:][:, :1024]
    return Said(tokens, torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device))


def _qwen_vl_limit(tokenizer: Any) -> int:
    return 1024 + QWEN_SYSTEM


SANA_TOKENS = 300


@cache
def _instruction() -> str:
    """What Sana's pipeline has its language model told before a prompt."""
    from diffusers.pipelines.sana.pipeline_sana import SanaPipeline

    told: Any = inspect.signature(SanaPipeline.__call__).parameters["complex_human_instruction"].default
    return "\n".join(told)


def _gemma_limit(tokenizer: Any) -> int:
    return len(tokenizer.encode(_instruction())) + SANA_TOKENS - 2


def _gemma_ids(tokenizer: Any, prompt: str) -> list[int]:
    return list(tokenizer(_instruction() + prompt.lower().strip(), verbose=False).input_ids)


def _gemma(tokenizer: Any, encoder: Any, prompt: str, negative: bool) -> Said:
    """Sana: a Gemma-2's first token and the last 299, after an instruction; a negative prompt, and none, go without it."""
    text, limit = prompt.lower().strip(), SANA_TOKENS
    if not negative and prompt:
        text, limit = _instruction() + text, _gemma_limit(tokenizer)
    tokenizer.padding_side = "right"
    found = tokenizer([text], padding="max_length", max_length=limit, truncation=True, return_tensors="pt")
    mask = found.attention_mask.to(encoder.device)
    tokens = encoder(found.input_ids.to(encoder.device), attention_mask=mask)[0]
    kept = [0, *range(limit - SANA_TOKENS + 1, limit)]
    return Said(tokens[:, kept], mask[:, kept].bool().to(tokens.device))  # an encoder that takes turns was away


SPEAKERS: dict[str, Speaker] = {
    "flux2": Speaker(lambda _: FLUX2_TOKENS, _mistral_ids, _mistral),
    "flux2-klein": Speaker(lambda _: FLUX2_TOKENS, _qwen3_ids, _qwen3),
    "qwenimage": Speaker(_qwen_vl_limit, _qwen_vl_ids, _qwen_vl),
    "sana": Speaker(_gemma_limit, _gemma_ids, _gemma),
}
