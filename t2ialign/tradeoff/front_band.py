"""The edge of what is reached, with its uncertainty: the best diversity at a required alignment, hypervolumes, and the knee.

All intervals are percentiles of one bootstrap over prompts that resamples every condition alike, so that prompts' difficulty
moves all of them together. The best of many conditions is chosen on the very data that it is judged by, so an edge of many
conditions on few prompts looks a little better than it is; where prompts share seeds, the intervals are too narrow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from t2ialign.tradeoff.cell_values import CellValues, averaged
from t2ialign.tradeoff.interval import CONFIDENCE, RESAMPLES, SEED
from t2ialign.types import GenerationConfig, Interval, Metric

LEVELS = 41
FEWEST_PROMPTS = 8  # with fewer, a percentile bootstrap over prompts promises too much
CORNERS = 3  # a front of fewer points has no knee


@dataclass(frozen=True)
class Edge:
    """The best ``y`` of conditions that reach a required ``x``, at levels of it, and which condition that is.

    NaN ends where there are too few prompts; the band is cut where the level is reached in few draws.
    """

    x: str
    y: str
    levels: tuple[float, ...]
    best: tuple[Interval, ...]
    by: tuple[GenerationConfig, ...]
    prompts: int
    share_seeds: bool = False

    def at(self, level: float) -> tuple[Interval, GenerationConfig] | None:
        """The best at the first level that is at least as good; None where none is reached."""
        for one, best, config in zip(self.levels, self.best, self.by):
            if one >= level - 1e-12:
                return best, config
        return None


@dataclass(frozen=True)
class Knee:
    """The corner of the front that lies farthest beyond the line between its ends; ``share`` of the draws agree."""

    config: GenerationConfig
    x: float
    y: float
    share: float


@dataclass(frozen=True)
class Volume:
    """The area that a checkpoint's conditions dominate, as a share of the box between the worst and the best seen."""

    checkpoint: str
    area: Interval
    conditions: int


Draws = tuple[Float[np.ndarray, "r c"], Float[np.ndarray, "r c"]]
"""Both axes' means of each draw and condition, turned so that more is better. The first draw is everyone once."""


def draws(cells: CellValues, x: Metric, y: Metric) -> Draws:
    """The means of the conditions that are whole (``CellValues.whole``) and of their bootstrap."""
    prompts = len(cells.prompts)
    rows = np.random.default_rng(SEED).multinomial(prompts, np.full(prompts, 1 / prompts), size=RESAMPLES)
    weights = np.concatenate([np.ones((1, prompts)), rows.astype(float)])
    return tuple(  # type: ignore[return-value]
        averaged(metric, cells.of(metric.name), weights) * _sign(metric) for metric in (x, y)
    )


def edge(cells: CellValues, x: Metric, y: Metric) -> Edge | None:
    """The edge over all whole conditions; None where there is none."""
    whole = cells.whole(x.name, y.name)
    if not len(whole.configs):
        return None
    xs, ys = draws(whole, x, y)
    lows = np.linspace(xs[0].min(), xs[0].max(), LEVELS if np.ptp(xs[0]) > 0 else 1)
    # Rounding must not keep a condition from its own level.
    tops = _tops(xs, ys, lows - 1e-12)
    best = np.where(xs[0] >= lows[:, None] - 1e-12, ys[0], -np.inf)
    by = [whole.configs[place] for place in best.argmax(1)]
    levels, sign = lows * _sign(x), _sign(y)
    intervals = [_interval(tops[:, level], sign, len(whole.prompts)) for level in range(len(lows))]
    shown = tuple(levels.tolist()), tuple(intervals), tuple(by)
    return Edge(x.name, y.name, *shown, len(whole.prompts), cells.share_seeds)


def knee(cells: CellValues, x: Metric, y: Metric) -> Knee | None:
    """Where a front of three points or more bends most, both axes drawn as long as the front is; None without such a front."""
    whole = cells.whole(x.name, y.name)
    if not len(whole.configs):
        return None
    xs, ys = draws(whole, x, y)
    found = corners(xs, ys)
    if found[0] < 0:
        return None
    place = found[0]
    share = float(np.mean(found[1:] == place))
    return Knee(whole.configs[place], float(xs[0, place]) * _sign(x), float(ys[0, place]) * _sign(y), share)


def volumes(cells: CellValues, x: Metric, y: Metric) -> list[Volume]:
    """Each checkpoint's hypervolume within the box of all whole conditions' means, the largest first."""
    whole = cells.whole(x.name, y.name)
    if not len(whole.configs):
        return []
    xs, ys = draws(whole, x, y)
    worst, size = (xs[0].min(), ys[0].min()), float(np.ptp(xs[0]) * np.ptp(ys[0]))
    names = np.array([config.checkpoint for config in whole.configs])
    found = []
    for name in dict.fromkeys(names.tolist()) if size > 0 else ():
        own = np.flatnonzero(names == name)
        areas = areas_of(xs[:, own], ys[:, own], worst) / size
        found.append(Volume(name, _interval(areas, 1, len(whole.prompts)), len(own)))
    return sorted(found, key=lambda one: -one.area.mean)


def areas_of(
    xs: Float[np.ndarray, "r c"], ys: Float[np.ndarray, "r c"], worst: tuple[float, float]
) -> Float[np.ndarray, " r"]:
    """The area that each draw's points dominate beyond ``worst``; ``moocore`` gives the same one draw at a time."""
    order = np.argsort(-xs, axis=1, kind="stable")
    right, top = (np.take_along_axis(side, order, 1) for side in (xs, ys))
    widths = np.maximum(right - worst[0], 0.0)
    heights = np.maximum.accumulate(np.maximum(top - worst[1], 0.0), axis=1)
    areas: np.ndarray = (widths * np.diff(heights, axis=1, prepend=0.0)).sum(1)
    return areas


def _tops(
    xs: Float[np.ndarray, "r c"], ys: Float[np.ndarray, "r c"], levels: Float[np.ndarray, " l"]
) -> Float[np.ndarray, "r l"]:
    """Of each draw the best ``y`` at every level or better; -inf where none is."""
    order = np.argsort(-xs, axis=1, kind="stable")
    best = np.maximum.accumulate(np.take_along_axis(ys, order, 1), axis=1)
    best = np.concatenate([np.full((len(best), 1), -np.inf), best], axis=1)
    reached = np.stack([(xs >= level).sum(1) for level in levels], axis=1)
    return np.take_along_axis(best, reached, 1)


def fronts(xs: Float[np.ndarray, "r c"], ys: Float[np.ndarray, "r c"]) -> Bool[np.ndarray, "r c"]:
    """Of each draw the points that none beats on both axes; of equal ones the first counts."""
    order = np.lexsort((-ys, -xs), axis=1)  # from the best x to the worst
    top = np.take_along_axis(ys, order, 1)
    before = np.concatenate([np.full((len(top), 1), -np.inf), np.maximum.accumulate(top, axis=1)[:, :-1]], axis=1)
    found = np.zeros(xs.shape, dtype=bool)
    np.put_along_axis(found, order, top > before, 1)
    return found


def corners(xs: Float[np.ndarray, "r c"], ys: Float[np.ndarray, "r c"]) -> Int[np.ndarray, " r"]:
    """Of each draw the front's point farthest above the line between its ends; -1 where there is none.

    Of a front with fewer than ``CORNERS`` points nothing is said.
    """
    front = fronts(xs, ys)
    ends = [np.where(front, side, -np.inf).argmax(1)[:, None] for side in (ys, xs)]  # the best y, and the best x
    (x0, x1), (y0, y1) = ([np.take_along_axis(side, end, 1) for end in ends] for side in (xs, ys))
    with np.errstate(invalid="ignore", divide="ignore"):  # a front of one point, which has no corner
        beyond = np.where(front, (xs - x0) / (x1 - x0) + (ys - y1) / (y0 - y1) - 1, -np.inf)
    place = beyond.argmax(1)
    bent = (front.sum(1) >= CORNERS) & (np.take_along_axis(beyond, place[:, None], 1)[:, 0] > 0)
    return np.where(bent, place, -1)


def _interval(values: Float[np.ndarray, " r"], sign: float, prompts: int) -> Interval:
    """The first draw's value with percentiles of the others."""
    mean, known = float(values[0]) * sign, values[1:][np.isfinite(values[1:])] * sign
    if prompts < FEWEST_PROMPTS or len(known) < len(values) / 2:
        return Interval(mean, math.nan, math.nan)
    lo, hi = np.quantile(known, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(mean, float(lo), float(hi))


def _sign(metric: Metric) -> float:
    return 1.0 if metric.higher_is_better else -1.0
