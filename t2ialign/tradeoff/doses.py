"""Dose and response: how a metric moves with a pressure, as a curve and as a slope per prompt.

A pressure is a number of the config that only pushes: the guidance scale (per doubling), an adapter's weight (per unit), or the
steps that a run was trained for (per hundred). Configs that differ in it alone are one line; what was kept on the way of a run
(``NAME-stepN``) and its end (``NAME``) are one too. The slope is each prompt's own least-squares slope, averaged over prompts,
so prompts' difficulty drops out; a curve that turns has a slope that says little, and is said to turn.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from t2ialign.tradeoff.cell_values import CellValues
from t2ialign.tradeoff.interval import Estimate, estimate
from t2ialign.types import GenerationConfig, Interval, Metric

FEWEST_DOSES = 3
Ends = Mapping[str, int]
"""{checkpoint: the steps that its run took to its end}, as manifests tell."""
NO_ENDS: Ends = MappingProxyType({})
STEPS = re.compile(r"(.+)-step([0-9]{1,9})")
Place = tuple[float, GenerationConfig] | None


@dataclass(frozen=True)
class Pressure:
    """``read``: a config's dose and its line, None where it has no such dose. ``scale``: doses as they are fitted."""

    name: str
    per: str
    read: Callable[[GenerationConfig, Ends], Place]
    scale: Callable[[float], float]


def _guidance(config: GenerationConfig, ends: Ends) -> Place:
    return (config.guidance_scale, replace(config, guidance_scale=0.0)) if config.guidance_scale > 0 else None


def _weight(config: GenerationConfig, ends: Ends) -> Place:
    if len(config.adapters) != 1:
        return None
    (use,) = config.adapters
    return use.weight, replace(config, adapters=(replace(use, weight=1.0),))


def _steps(config: GenerationConfig, ends: Ends) -> Place:
    if len(config.adapters) != 1:
        return None
    (use,) = config.adapters
    kept = STEPS.fullmatch(use.name)
    run, steps = (kept[1], float(kept[2])) if kept else (use.name, float(ends.get(use.name, 0)))
    return (steps, replace(config, adapters=(replace(use, name=run, sha=""),))) if steps > 0 else None


PRESSURES = (
    Pressure("CFG", "doubling of CFG", _guidance, math.log2),
    Pressure("adapter weight", "unit of weight", _weight, float),
    Pressure("training steps", "100 steps", _steps, lambda steps: steps / 100),
)


@dataclass(frozen=True)
class Response:
    """A metric along one line: its mean at each dose as a difference from the weakest, and its slope over prompts.

    ``p`` tests a slope of 0, alone: who reads several corrects them. ``configs``: what was drawn at each dose.
    """

    metric: str
    pressure: str
    per: str
    line: GenerationConfig
    doses: tuple[float, ...]
    values: tuple[Interval, ...]
    changes: tuple[Interval, ...]
    slope: Interval
    p: float
    prompts: int
    turns: bool
    configs: tuple[GenerationConfig, ...] = ()

    @property
    def who(self) -> str:
        return self.line.checkpoint


@dataclass(frozen=True)
class Line:
    """Configs that differ in their dose alone, ``rows`` of the cells by dose; weakest first."""

    of: GenerationConfig
    rows: Mapping[float, int]


def lines_of(cells: CellValues, metric: Metric, pressure: Pressure, ends: Ends = NO_ENDS) -> list[Line]:
    """The lines of three doses or more that share two prompts or more with this metric; by checkpoint."""
    known = np.isfinite(cells.of(metric.name))
    found: dict[GenerationConfig, dict[float, int]] = {}
    for row, config in enumerate(cells.configs):
        if (place := pressure.read(config, ends)) is not None:
            found.setdefault(place[1], {}).setdefault(place[0], row)
    lines = [
        Line(of, dict(sorted(rows.items())))
        for of, rows in found.items()
        if len(rows) >= FEWEST_DOSES and known[list(rows.values())].all(0).sum() >= 2
    ]
    return sorted(lines, key=lambda line: (line.of.checkpoint != "base", line.of.checkpoint))


def responses(cells: CellValues, metric: Metric, pressure: Pressure, ends: Ends = NO_ENDS) -> list[Response]:
    """One response a line of three doses or more, over the prompts that all doses have; by checkpoint."""
    return [response(cells, metric, pressure, line) for line in lines_of(cells, metric, pressure, ends)]


def response(cells: CellValues, metric: Metric, pressure: Pressure, line: Line) -> Response:
    """The response along one of ``lines_of``."""
    values = cells.of(metric.name)[list(line.rows.values())]
    values = values[:, np.isfinite(values).all(0)]
    doses = np.array([pressure.scale(dose) for dose in line.rows])
    centred = doses - doses.mean()
    slope: Estimate = estimate((centred @ values / (centred @ centred)).tolist())
    means = values.mean(1)
    return Response(
        metric.name,
        pressure.name,
        pressure.per,
        line.of,
        tuple(line.rows),
        tuple(estimate(row.tolist()).interval for row in values),
        tuple(estimate((row - values[0]).tolist()).interval for row in values),
        slope.interval,
        slope.p,
        values.shape[1],
        bool((np.diff(means) > 0).any() and (np.diff(means) < 0).any()),
        tuple(cells.configs[row] for row in line.rows.values()),
    )
