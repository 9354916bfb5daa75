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
class LinearTaste:
    """Raters who want more of four traits: each about zero mean and unit spread over the world's scenes.

    More is always better, so a model that follows them shifts its pictures; nothing asks it to narrow them.
    """

    warmth: float
    brightness: float
    largeness: float
    centering: float

    def style(self, reading: Reading, slots: Int[Tensor, "b m"]) -> Float[Tensor, " b"]:
        """The style utility of each picture; traits of unseen objects count as zero, which is average."""
        red, green, blue = reading.background.unbind(-1)
        there, distance, radius = _objects(reading, slots)
        largeness = torch.where(there, (radius - 0.184) / 0.052, 0.0).mean(1)
        centering = torch.where(there, (0.234 - distance) / 0.091, 0.0).mean(1)
        brightness = (0.299 * red + 0.587 * green + 0.114 * blue - 0.524) / 0.108
        return (
            self.warmth * (red - blue + 0.03) / 0.166
            + self.brightness * brightness
            + self.largeness * largeness
            + self.centering * centering
        )


@dataclass(frozen=True)
class IdealPointTaste:
    """Raters with an ideal point: a background, no gradient, the centre; squared distance from it costs utility.

    Coombs' unfolding: too far on either side is worse, so a model that follows them must narrow its pictures. Each of the
    three squared distances is scaled to about zero mean and unit spread over the world's scenes. ``ideal`` is RGB in
    [0, 1], near the mean of the world's backgrounds, so that following it narrows without a shift.
    """

    ideal: tuple[float, float, float]
    background: float
    flatness: float
    centering: float

    def style(self, reading: Reading, slots: Int[Tensor, "b m"]) -> Float[Tensor, " b"]:
        """The style utility of each picture; the place of unseen objects counts as average."""
        ideal = torch.tensor(self.ideal, device=reading.background.device)
        there, distance, _ = _objects(reading, slots)
        centering = torch.where(there, (0.0624 - distance.square()) / 0.0423, 0.0).mean(1)
        background = (0.0541 - (reading.background - ideal).square().sum(-1)) / 0.0399
        flatness = (0.0323 - reading.gradient.square().sum(-1)) / 0.0204
        return self.background * background + self.flatness * flatness + self.centering * centering


Taste = LinearTaste | IdealPointTaste

TASTES: dict[str, Taste] = {
    "sunny": LinearTaste(warmth=1.0, brightness=0.6, largeness=0.5, centering=0.8),
    "nocturne": LinearTaste(warmth=-0.8, brightness=-1.0, largeness=0.0, centering=0.5),
    "airy": LinearTaste(warmth=0.0, brightness=0.8, largeness=-0.8, centering=-0.6),
    "minimal": IdealPointTaste(ideal=(0.52, 0.55, 0.58), background=1.0, flatness=1.0, centering=0.7),
}
PUBLIC = ("sunny", "nocturne", "airy")
"""The groups whose mean is the metric ``taste``: who the public of this world is."""


def _objects(reading: Reading, slots: Int[Tensor, "b m"]) -> tuple[Tensor, Tensor, Tensor]:
    """Of the prompt's objects: whether each is seen, its distance from the middle, and its radius, each [b m]."""
    rows = torch.arange(slots.shape[0], device=slots.device)[:, None]
    there = reading.confidence[rows, slots] > 0
    return there, (reading.center[rows, slots] - 0.5).norm(dim=-1), reading.radius[rows, slots]


def utility(reading: Reading, spec: SceneSpec, taste: Taste) -> Float[Tensor, " b"]:
    """What a rater of this taste thinks each picture of the prompt is worth."""
    held, slots = claims_hold(reading, spec)
    return FAITHFULNESS_WEIGHT * held.mean(1) + taste.style(reading, slots)


def vote(left: Tensor, right: Tensor, rng: torch.Generator, temperature: float = 1.0) -> Int[Tensor, " b"]:
    """Noisy choices between utilities: 1 where the left picture wins, else 0 (Bradley-Terry)."""
    return torch.bernoulli(torch.sigmoid((left - right) / temperature), generator=rng).long()
