"""Raters with a known taste: utility = faithfulness + style, and Bradley-Terry noise between two pictures.

Style is a known function of the free factors, and the groups of raters differ in it. Preferring by it drags the free
factors towards one style: the alignment-diversity trade-off with the truth on both axes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from t2ialign.shapes.grammar import SceneSpec
from t2ialign.shapes.oracle import claims_hold
from t2ialign.shapes.reader import Reading

FAITHFULNESS_WEIGHT = 4.0


@dataclass(frozen=True)
class Taste:
    """A group of raters: weights of the style's four traits, each about zero mean and unit spread over the world's scenes."""

    warmth: float
    brightness: float
    largeness: float
    centering: float


TASTES = {
    "sunny": Taste(warmth=1.0, brightness=0.6, largeness=0.5, centering=0.8),
    "nocturne": Taste(warmth=-0.8, brightness=-1.0, largeness=0.0, centering=0.5),
    "airy": Taste(warmth=0.0, brightness=0.8, largeness=-0.8, centering=-0.6),
}


def style(reading: Reading, slots: Int[Tensor, "b m"], taste: Taste) -> Float[Tensor, " b"]:
    """The taste's style utility of each picture; traits of unseen objects count as zero, which is average."""
    red, green, blue = reading.background.unbind(-1)
    rows = torch.arange(slots.shape[0], device=slots.device)[:, None]
    there = reading.confidence[rows, slots] > 0
    distance = (reading.center[rows, slots] - 0.5).norm(dim=-1)
    largeness = torch.where(there, (reading.radius[rows, slots] - 0.184) / 0.052, 0.0).mean(1)
    centering = torch.where(there, (0.234 - distance) / 0.091, 0.0).mean(1)
    brightness = (0.299 * red + 0.587 * green + 0.114 * blue - 0.524) / 0.108
    return (
        taste.warmth * (red - blue + 0.03) / 0.166
        + taste.brightness * brightness
        + taste.largeness * largeness
        + taste.centering * centering
    )


def utility(reading: Reading, spec: SceneSpec, taste: Taste) -> Float[Tensor, " b"]:
    """What a rater of this taste thinks each picture of the prompt is worth."""
    held, slots = claims_hold(reading, spec)
    return FAITHFULNESS_WEIGHT * held.mean(1) + style(reading, slots, taste)


def vote(left: Tensor, right: Tensor, draw: torch.Generator, temperature: float = 1.0) -> Int[Tensor, " b"]:
    """Noisy choices between utilities: 1 where the left picture wins, else 0 (Bradley-Terry)."""
    return torch.bernoulli(torch.sigmoid((left - right) / temperature), generator=draw).long()
