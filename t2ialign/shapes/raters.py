"""The annotator as a scorer: what each group of raters thinks a picture of a prompt is worth, read with the oracle's eyes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

from t2ialign.shapes import oracle
from t2ialign.shapes.annotator import TASTES, utility
from t2ialign.shapes.grammar import parse
from t2ialign.shapes.reader import Reader, read
from t2ialign.types import InputError, Prompt


@dataclass(frozen=True)
class Raters:
    """Provides ``taste`` [n], the mean over the groups of raters, and ``taste_<group>`` [n] for each of them.

    Nothing for prompts outside the world's grammar.
    """

    reader: Reader
    sha: str
    id: str = "annotator-shapes"
    provides: tuple[str, ...] = ("taste", *(f"taste_{group}" for group in TASTES))

    def encode(self, images: UInt8[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        try:
            spec = parse(prompt.text)
        except InputError:
            return {}
        reading = read(self.reader, images)
        each = {f"taste_{group}": utility(reading, spec, taste).cpu() for group, taste in TASTES.items()}
        return {"taste": torch.stack(list(each.values())).mean(0), **each}


def load(source: Path, device: str) -> Raters:
    """Loads the oracle's reader from its folder."""
    found = oracle.load(source, device)
    return Raters(found.reader, found.sha)
