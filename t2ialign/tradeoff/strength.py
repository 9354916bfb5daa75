"""The plane that two dials span without any training: guidance scale by adapter weight, alignment and diversity on it.

Weight 0 is the base itself, where it was drawn under the same settings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from t2ialign.tradeoff.cell_values import CellValues
from t2ialign.types import GenerationConfig, Metric

FEWEST = 2  # values of either dial


@dataclass(frozen=True)
class StrengthPlane:
    """Means over prompts, a row a weight and a column a scale; NaN where nothing was drawn. ``keys``: each place's config."""

    checkpoint: str
    x: str
    y: str
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    xs: tuple[tuple[float, ...], ...]
    ys: tuple[tuple[float, ...], ...]
    prompts: int
    keys: tuple[tuple[str, ...], ...] = ()

    def best(self, level: float, up: tuple[bool, bool]) -> tuple[float, float, float] | None:
        """Scale, weight and diversity of the most varied place that reaches an alignment; None where none does."""
        signs = tuple(1 if more else -1 for more in up)
        places = [
            (signs[1] * self.ys[row][column], scale, weight)
            for row, weight in enumerate(self.weights)
            for column, scale in enumerate(self.scales)
            if signs[0] * self.xs[row][column] >= signs[0] * level and math.isfinite(self.ys[row][column])
        ]
        found = max(places, default=None)
        return None if found is None else (found[1], found[2], signs[1] * found[0])


def planes(cells: CellValues, x: Metric, y: Metric) -> list[StrengthPlane]:
    """One plane for each single adapter with two weights and two scales or more, over the whole configs; the fullest first."""
    whole = cells.whole(x.name, y.name)
    if not whole.configs:
        return []
    means = {config: pair for config, *pair in zip(whole.configs, whole.mean(x).tolist(), whole.mean(y).tolist())}
    lines: dict[GenerationConfig, dict[tuple[float, float], list[float]]] = {}
    keys: dict[tuple[GenerationConfig, float, float], str] = {}
    for config, pair in means.items():
        if len(config.adapters) == 1:
            place = (config.adapters[0].weight, config.guidance_scale)
            lines.setdefault(_line(config), {})[place] = pair
            keys[_line(config), *place] = config.key
    lines = {line: found for line, found in lines.items() if len({scale for _, scale in found}) >= FEWEST}
    for config, pair in means.items():
        if not config.adapters:
            for line, found in lines.items():
                if _line(config) == replace(line, adapters=()):
                    found[0.0, config.guidance_scale] = pair
                    keys[line, 0.0, config.guidance_scale] = config.key
    made = [_with_keys(_plane(line, found, x, y, len(whole.prompts)), line, keys) for line, found in lines.items()]
    shown = [one for one in made if len(one.weights) >= FEWEST]
    return sorted(shown, key=lambda one: (-np.isfinite(np.array(one.xs)).sum(), one.checkpoint))


def _with_keys(
    plane: StrengthPlane, line: GenerationConfig, keys: Mapping[tuple[GenerationConfig, float, float], str]
) -> StrengthPlane:
    rows = (tuple(keys.get((line, weight, scale), "") for scale in plane.scales) for weight in plane.weights)
    return replace(plane, keys=tuple(rows))


def _line(config: GenerationConfig) -> GenerationConfig:
    uses = tuple(replace(use, weight=1.0) for use in config.adapters)
    return replace(config, guidance_scale=0.0, adapters=uses)


def _plane(
    line: GenerationConfig, found: dict[tuple[float, float], list[float]], x: Metric, y: Metric, prompts: int
) -> StrengthPlane:
    weights, scales = (tuple(sorted({place[axis] for place in found})) for axis in (0, 1))
    unknown = [math.nan, math.nan]
    tables = [
        tuple(tuple(found.get((weight, scale), unknown)[axis] for scale in scales) for weight in weights)
        for axis in (0, 1)
    ]
    return StrengthPlane(line.adapters[0].name, x.name, y.name, scales, weights, tables[0], tables[1], prompts)
