"""Adapter weights as a dial: the points of one adapter in the order of its weight, from its base on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from t2ialign.types import GenerationConfig, TradeoffPoint

FEWEST = 2  # weights of one adapter


def weight_dials(points: Sequence[TradeoffPoint]) -> list[tuple[TradeoffPoint, ...]]:
    """The points of each single adapter with two weights or more that share all other settings, weakest first.

    A dial begins with the point of the base under the same settings, which is weight 0, where there is one.
    """
    found: dict[GenerationConfig, list[TradeoffPoint]] = {}
    for point in points:
        if len(point.config.adapters) == 1:
            found.setdefault(dial_of(point.config), []).append(point)
    bases = {point.config: point for point in points if not point.config.adapters}
    dials = []
    for line, same in found.items():
        if len({_weight(point) for point in same}) >= FEWEST:
            base = bases.get(replace(line, adapters=()))
            dials.append((*([base] if base else []), *sorted(same, key=_weight)))
    return dials


def dial_of(config: GenerationConfig) -> GenerationConfig:
    """The config with every adapter at weight 1: what two places of one dial share."""
    return replace(config, adapters=tuple(replace(use, weight=1.0) for use in config.adapters))


def _weight(point: TradeoffPoint) -> float:
    return point.config.adapters[0].weight
