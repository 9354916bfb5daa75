"""The edge of what is reached, with its uncertainty: the best diversity at a required alignment, hypervolumes, and the knee.

All intervals are percentiles of one bootstrap over prompts that resamples every condition alike, so that prompts' difficulty
moves all of them together. The best of many conditions is chosen on the very data that it is judged by, so an edge of many
conditions on few prompts looks a little better than it is; where prompts share seeds, the intervals are too narrow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from t2ialign.tradeoff.cell_values import CellValues, averaged
from t2ialign.tradeoff.interval import CONFIDENCE, RESAMPLES, resamples
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
    weights = resamples(len(cells.prompts))
    return tuple(  # type: ignore[return-value]
        averaged(metric, cells.of(metric.name), weights) * _sign(metric) for metric in (x, y)
    )


@lru_cache(maxsize=2)  # band, knee and areas of one chart ask for the same
def _whole_draws(
    cells: CellValues, x: Metric, y: Metric
) -> tuple[CellValues, Float[np.ndarray, "r c"], Float[np.ndarray, "r c"]]:
    """The conditions that are whole, with their draws; none of no conditions."""
    whole = cells.whole(x.name, y.name)
    nothing = np.empty((1 + RESAMPLES, 0))
    return whole, *(draws(whole, x, y) if whole.configs else (nothing, nothing))


def edge(cells: CellValues, x: Metric, y: Metric) -> Edge | None:
    """The edge over all whole conditions; None where there is none."""
    whole, xs, ys = _whole_draws(cells, x, y)
    if not len(whole.configs):
        return None
    lows = np.linspace(xs[0].min(), xs[0].max(), LEVELS if np.ptp(xs[0]) > 0 else 1)
    tops = _tops(xs, ys, lows - 1e-12)  # rounding must not keep a condition from its own level
    reached = xs[0] >= lows[:, None] - 1e-12
    by = [whole.configs[place] for place in np.where(reached, ys[0], -np.inf).argmax(-1)]
    levels, sign = lows * _sign(x), _sign(y)
    intervals = [_interval(column, sign, len(whole.prompts)) for column in np.ascontiguousarray(tops.T)]
    shown = tuple(levels.tolist()), tuple(intervals), tuple(by)
    return Edge(x.name, y.name, *shown, len(whole.prompts), cells.share_seeds)


def _tops(
    xs: Float[np.ndarray, "r c"], ys: Float[np.ndarray, "r c"], lows: Float[np.ndarray, " l"]
) -> Float[np.ndarray, "r l"]:
    """The best ``ys`` of each draw among those whose ``xs`` reach each level, levels upwards; -inf where none does."""
    best = np.full((len(xs), len(lows) + 1), -np.inf)
    reached = np.searchsorted(lows, xs, side="right")  # how many levels a condition reaches
    places = np.arange(len(xs))[:, None] * best.shape[1] + reached
    np.maximum.at(best.ravel(), places.ravel(), ys.ravel())  # flat: twelve times as fast as with pairs of places
    tops: np.ndarray = np.maximum.accumulate(best[:, ::-1], axis=1)[:, ::-1][:, 1:]
    return tops


def knee(cells: CellValues, x: Metric, y: Metric) -> Knee | None:
    """Where a front of three points or more bends most, both axes drawn as long as the front is; None without such a front."""
    whole, xs, ys = _whole_draws(cells, x, y)
    if not len(whole.configs):
        return None
    found = corners(xs, ys)
    if found[0] < 0:
        return None
    place = int(found[0])
    share = float(np.mean(found[1:] == found[0]))
    return Knee(whole.configs[place], float(xs[0, place]) * _sign(x), float(ys[0, place]) * _sign(y), share)


def volumes(cells: CellValues, x: Metric, y: Metric) -> list[Volume]:
    """Each checkpoint's hypervolume within the box of all whole conditions' means, the largest first."""
    whole, xs, ys = _whole_draws(cells, x, y)
    if not len(whole.configs):
        return []
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


def front_places(xs: Float[np.ndarray, " c"], ys: Float[np.ndarray, " c"]) -> Int[np.ndarray, " f"]:
    """The points that none beats on both axes, from the best ``y`` to the best ``x``."""
    kept, best = [], -math.inf
    for place in np.lexsort((-ys, -xs)):
        if ys[place] > best:
            kept.append(place)
            best = ys[place]
    return np.array(kept[::-1], dtype=int)


def corners(xs: Float[np.ndarray, "r c"], ys: Float[np.ndarray, "r c"]) -> Int[np.ndarray, " r"]:
    """``_corner`` of every draw, all at once but for draws with equal ``xs``, whose order the other axis decides."""
    order = np.argsort(-xs, axis=1)
    right, top = (np.take_along_axis(side, order, 1) for side in (xs, ys))
    front = np.ones(top.shape, dtype=bool)
    front[:, 1:] = top[:, 1:] > np.maximum.accumulate(top, axis=1)[:, :-1]
    draw, place = front.nonzero()  # the fronts' points, draw after draw
    sizes = front.sum(1)
    begins = sizes.cumsum() - sizes
    x, y, last = right[front], top[front], (begins + sizes - 1)[draw]
    first = begins[draw]
    with np.errstate(invalid="ignore", divide="ignore"):
        beyond = (x - x[last]) / (x[first] - x[last]) + (y - y[first]) / (y[last] - y[first]) - 1
    most = np.maximum.reduceat(beyond, begins)
    at = np.minimum.reduceat(np.where(beyond == most[draw], place, top.shape[1] - 1), begins)
    found: np.ndarray = np.where((sizes >= CORNERS) & (most > 0), order[np.arange(len(order)), at], -1)
    for row in np.flatnonzero((right[:, 1:] == right[:, :-1]).any(1)):
        found[row] = _corner(xs[row], ys[row])
    return found


def _corner(xs: Float[np.ndarray, " c"], ys: Float[np.ndarray, " c"]) -> int:
    """The front's point farthest above the line between its ends; -1 where there is no such point."""
    front = front_places(xs, ys)
    if len(front) < CORNERS:
        return -1
    across = (xs[front] - xs[front[0]]) / (xs[front[-1]] - xs[front[0]])
    up = (ys[front] - ys[front[-1]]) / (ys[front[0]] - ys[front[-1]])
    beyond = across + up - 1
    return int(front[beyond.argmax()]) if beyond.max() > 0 else -1


def _interval(values: Float[np.ndarray, " r"], sign: float, prompts: int) -> Interval:
    """The first draw's value with percentiles of the others."""
    mean, known = float(values[0]) * sign, values[1:][np.isfinite(values[1:])] * sign
    if prompts < FEWEST_PROMPTS or len(known) < len(values) / 2:
        return Interval(mean, math.nan, math.nan)
    lo, hi = np.quantile(known, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(mean, float(lo), float(hi))


def _sign(metric: Metric) -> float:
    return 1.0 if metric.higher_is_better else -1.0
