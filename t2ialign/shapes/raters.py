"""The annotator as a scorer: what each group of raters thinks a picture of a prompt is worth, read with the oracle's eyes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from t2ialign.shapes import oracle
from t2ialign.shapes.annotator import PUBLIC, TASTES, utility
from t2ialign.shapes.grammar import parse
from t2ialign.shapes.oracle import claims_hold
from t2ialign.shapes.reader import Reader, read, reading_of
from t2ialign.types import InputError, Prompt


@dataclass(frozen=True)
class Raters:
    """Provides ``taste`` [n], the mean over the public's groups, and ``taste_<group>`` and ``style_<group>`` [n] for each.

    A taste is faithfulness and style; a style is the free factors alone, whatever the prompt says. Nothing for prompts
    outside the world's grammar.
    """

    reader: Reader
    sha: str
    id: str = "annotator-shapes"
    provides: tuple[str, ...] = (
        "taste",
        *(f"taste_{group}" for group in TASTES),
        *(f"style_{group}" for group in TASTES),
    )

    def encode(self, images: UInt8[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        try:
            spec = parse(prompt.text)
        except InputError:
            return {}
        reading = read(self.reader, images)
        each = {f"taste_{group}": utility(reading, spec, taste).cpu() for group, taste in TASTES.items()}
        slots = claims_hold(reading, spec)[1]
        styles = {f"style_{group}": taste.style(reading, slots).cpu() for group, taste in TASTES.items()}
        return {"taste": torch.stack([each[f"taste_{group}"] for group in PUBLIC]).mean(0), **each, **styles}

    def features(self, pixels: Float[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        """The styles of pixels, with gradients; a taste counts claims, which hold or do not, and has none."""
        try:
            spec = parse(prompt.text)
        except InputError:
            return {}
        reading = reading_of(self.reader, pixels)
        slots = claims_hold(reading, spec)[1]
        return {f"style_{group}": taste.style(reading, slots) for group, taste in TASTES.items()}


def load(source: Path, device: str) -> Raters:
    """Loads the oracle's reader from its folder."""
    found = oracle.load(source, device)
    return Raters(found.reader, found.sha)
