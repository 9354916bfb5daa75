"""The plane of guidance and a dial of strength: alignment and diversity over CFG by weight, training steps, rounds or beta.

The dials and what counts as one run are ``training_dials``'. Weight 0 and step 0 are what the adapter or its training began
from, where that was drawn under the same settings. Of several training seeds a plane shows their mean, at the places that all
of them have, and says so in its title; each seed has a plane of its own beside it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from t2ialign.names import guided
from t2ialign.tradeoff.cell_values import CellValues, finished
from t2ialign.tradeoff.training_dials import (
    DIALS,
    FEWEST,
    NO_RUNS,
    WEIGHT,
    DialLine,
    Place,
    Runs,
    StrengthDial,
    training_lines,
)
from t2ialign.types import GenerationConfig, Metric, content_key

Table = tuple[tuple[float, ...], ...]
Means = Float[np.ndarray, " c"]


@dataclass(frozen=True)
class StrengthPlane:
    """Means over prompts, a row a value of the dial and a column a scale; NaN where nothing was drawn.

    ``keys``: each place's configs, several where it is a mean over training seeds. ``key`` names the plane in addresses.
    """

    checkpoint: str
    x: str
    y: str
    scales: tuple[float, ...]
    rows: tuple[float, ...]
    xs: Table
    ys: Table
    prompts: int
    keys: tuple[tuple[tuple[str, ...], ...], ...] = ()
    dial: StrengthDial = WEIGHT
    about: str = ""
    key: str = ""

    @property
    def title(self) -> str:
        """``dpo``, ``dpo, mean of 3 training seeds``."""
        return ", ".join(filter(None, (self.checkpoint, self.about)))

    @property
    def label(self) -> str:
        """The plane in a menu: whose it is, its dial and the dial's values."""
        values = ", ".join(f"{row:.10g}" for row in self.rows)
        return f"{self.title}: CFG by {self.dial.name} ({values})"

    def best(self, level: float, up: tuple[bool, bool]) -> tuple[float, float, float] | None:
        """Scale, row and diversity of the most varied place that reaches an alignment; None where none does."""
        signs = tuple(1 if more else -1 for more in up)
        places = [
            (signs[1] * self.ys[row][column], scale, value)
            for row, value in enumerate(self.rows)
            for column, scale in enumerate(self.scales)
            if signs[0] * self.xs[row][column] >= signs[0] * level and math.isfinite(self.ys[row][column])
        ]
        found = max(places, default=None)
        return None if found is None else (found[1], found[2], signs[1] * found[0])


def planes(cells: CellValues, x: Metric, y: Metric, runs: Runs = NO_RUNS) -> list[StrengthPlane]:
    """One plane for each dial of each adapter or run with two values and two scales or more, over the whole configs.

    Planes of adapter weights come first, then those of steps, rounds and beta; of one dial the fullest. ``runs``: what the
    checkpoints' manifests say of their training.
    """
    whole = cells.whole(x.name, y.name)
    if not whole.configs:
        return []
    sides = [(metric, whole.mean(metric)) for metric in (x, y)]
    lines = [*_weight_lines(whole.configs), *training_lines(whole.configs, runs)]
    made = [_plane(whole, line, sides) for line in lines]
    return sorted(made, key=lambda one: (DIALS.index(one.dial), -np.isfinite(np.array(one.xs)).sum(), one.title))


def plane_of(found: Sequence[StrengthPlane], key: str) -> StrengthPlane | None:
    """The plane of a key; where it is gone, as when a checkpoint was trained anew, one of that name and dial; else None."""
    same = [one for one in found if one.key == key]
    like = [one for one in found if one.key.rpartition(":")[0] == key.rpartition(":")[0]]
    return next(iter([*same, *like]), None)


def _weight_lines(configs: Sequence[GenerationConfig]) -> list[DialLine]:
    """One line for each single adapter: its weights at two scales or more, and the base, which is weight 0."""
    bases: dict[GenerationConfig, dict[float, int]] = {}
    own: dict[GenerationConfig, dict[Place, tuple[int, ...]]] = {}
    for index, config in enumerate(configs):
        if not config.adapters:
            bases.setdefault(replace(config, guidance_scale=0.0), {})[config.guidance_scale] = index
        elif len(config.adapters) == 1:
            (use,) = config.adapters
            line = replace(config, guidance_scale=0.0, adapters=(replace(use, weight=1.0),))
            own.setdefault(line, {})[use.weight, config.guidance_scale] = (index,)
    found = []
    for line, places in own.items():
        if len({scale for _, scale in places}) >= FEWEST:
            base = bases.get(replace(line, adapters=()), {})
            places |= {(0.0, scale): (index,) for scale, index in base.items()}
            found.append(DialLine(WEIGHT, line.adapters[0].name + guided(line), "", line, places))
    return [line for line in found if len(line.rows) >= FEWEST]


def _plane(whole: CellValues, line: DialLine, sides: Sequence[tuple[Metric, Means]]) -> StrengthPlane:
    rows, scales = line.rows, line.scales
    places = [[line.places.get((row, scale), ()) for scale in scales] for row in rows]
    xs, ys = (tuple(tuple(_mean(metric, means, place) for place in row) for row in places) for metric, means in sides)
    keys = tuple(tuple(tuple(whole.configs[index].key for index in place) for place in row) for row in places)
    (x, _), (y, _) = sides
    return StrengthPlane(
        line.name,
        x.name,
        y.name,
        tuple(scales),
        tuple(rows),
        xs,
        ys,
        len(whole.prompts),
        keys,
        line.dial,
        line.about,
        _key(line),
    )


def _mean(metric: Metric, means: Means, place: tuple[int, ...]) -> float:
    """A config's mean, or that over training seeds, taken where the metric is averaged; NaN of nothing."""
    if len(place) < 2:
        return float(means[place[0]]) if place else math.nan
    return float(finished(metric, np.array([finished(metric, means[list(place)]).mean()]))[0])


def _key(line: DialLine) -> str:
    """``steps:dpo:1a2b3c4d``: readable, and of one plane alone."""
    said = json.dumps([line.setting.to_json(), line.name, line.about], sort_keys=True)
    return f"{line.dial.key}:{line.name}:{content_key(said)[:8]}"
