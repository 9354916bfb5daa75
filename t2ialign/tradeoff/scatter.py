"""What a rank correlation is made of: two metrics of the same things, a dot each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from t2ialign.tradeoff.interval import SEED
from t2ialign.tradeoff.relations import Level
from t2ialign.types import GenerationConfig

MOST_DOTS = 2000


@dataclass(frozen=True)
class Dot:
    """``config`` and ``cell`` are keys of what lies behind it; of a whole config ``cell`` is empty."""

    x: float
    y: float
    name: str
    config: str
    cell: str = ""


@dataclass(frozen=True)
class Scatter:
    """``dots`` are some of ``things`` where those are too many to draw. Pictures are differences from their prompt's mean."""

    x: str
    y: str
    level: Level
    dots: tuple[Dot, ...]
    things: int
    config: GenerationConfig | None = None


def sampled(dots: Sequence[Dot]) -> tuple[Dot, ...]:
    """At most ``MOST_DOTS`` of them, the same ones each time, in their order."""
    if len(dots) <= MOST_DOTS:
        return tuple(dots)
    kept = np.random.default_rng(SEED).choice(len(dots), MOST_DOTS, replace=False)
    return tuple(dots[place] for place in sorted(kept.tolist()))
