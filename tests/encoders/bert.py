"""A tiny BERT vocabulary on disk, as BLIP's tokenizer wants it."""

from __future__ import annotations

from pathlib import Path

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "a",
    "red",
    "blue",
    "circle",
    "square",
    "to",
    "the",
    "left",
    "of",
    "and",
    "yes",
    "no",
    "?",
    ".",
]


def save_tokenizer(folder: Path) -> int:
    """Write the tokenizer with BLIP's two extra tokens, [DEC] and [ENC]; returns the id of [DEC], the first of them."""
    from transformers import BertTokenizer

    vocabulary = {word: index for index, word in enumerate(WORDS)}
    tokenizer = BertTokenizer(vocab=vocabulary)
    tokenizer.add_special_tokens({"bos_token": "[DEC]"})
    tokenizer.add_special_tokens({"additional_special_tokens": ["[ENC]"]})
    tokenizer.save_pretrained(folder)
    return len(WORDS)
