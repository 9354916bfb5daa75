"""The embedded world's word list as stock CLIP tokenizer files: every word of the grammar is one token.

A byte-level BPE in CLIP's layout, so any text can be tokenized; words that the grammar does not know fall into letters.
"""

from __future__ import annotations

import json
from pathlib import Path

from t2ialign.shapes.grammar import COLORS, RELATIONS, SHAPES, SIZES, TEXTURES

MAX_LENGTH = 32
WORDS = (
    *(
        "a",
        "an",
        "the",
        "and",
        "with",
        "next",
        "to",
        "left",
        "right",
        "of",
        "above",
        "over",
        "below",
        "under",
        "beside",
    ),
    *(*COLORS, *SHAPES, *TEXTURES, *SIZES, "large", "little"),
)


def _byte_alphabet() -> list[str]:
    """The 256 printable stand-ins for bytes that GPT-2's byte-level BPE uses: printable ones as they are, others from 256."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(rest))]


def _merge(parts: list[str], ranks: dict[tuple[str, str], int]) -> list[str]:
    while len(parts) > 1:
        pairs = [(ranks.get((a, b), len(ranks)), i) for i, (a, b) in enumerate(zip(parts, parts[1:], strict=False))]
        rank, index = min(pairs)
        if rank == len(ranks):
            break
        parts = [*parts[:index], parts[index] + parts[index + 1], *parts[index + 2 :]]
    return parts


def _learn_merges() -> list[tuple[str, str]]:
    """Merges that make one token of each word; later merges have lower priority, so earlier words stay whole."""
    ranks: dict[tuple[str, str], int] = {}
    for word in dict.fromkeys(WORDS):
        parts = _merge([*word[:-1], word[-1] + "</w>"], ranks)
        while len(parts) > 1:
            ranks[(parts[0], parts[1])] = len(ranks)
            parts = [parts[0] + parts[1], *parts[2:]]
    return list(ranks)


MERGES = _learn_merges()
_LETTERS = _byte_alphabet()
VOCABULARY = [
    *_LETTERS,
    *(letter + "</w>" for letter in _LETTERS),
    *dict.fromkeys(a + b for a, b in MERGES),
    "<|startoftext|>",
    "<|endoftext|>",
]
_IDS = {token: index for index, token in enumerate(VOCABULARY)}
START, END = _IDS["<|startoftext|>"], _IDS["<|endoftext|>"]
WORD_IDS = {word: _IDS[word + "</w>"] for word in WORDS}

assert all(relation_word in WORDS for relation in RELATIONS for relation_word in relation.split())


def write_tokenizer(directory: Path) -> None:
    """Writes ``vocab.json``, ``merges.txt`` and ``tokenizer_config.json`` for ``CLIPTokenizer.from_pretrained``."""
    directory.mkdir(parents=True, exist_ok=True)
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    config = {
        **special,
        "pad_token": "<|endoftext|>",
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": MAX_LENGTH,
        "do_lower_case": True,
    }
    (directory / "vocab.json").write_text(json.dumps(_IDS, ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2", *(f"{a} {b}" for a, b in MERGES)]
    (directory / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (directory / "tokenizer_config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
