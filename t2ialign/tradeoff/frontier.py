"""What a point of win rate costs in diversity: paths of checkpoints by dose, compared where they win equally often.

Two methods are not compared fairly at the same number of steps, for one may simply have moved further. Each method's path
starts at its parent (win rate 1/2, diversity unchanged) and runs through its doses, weakest first; its cost at a win rate w is
that of the weakest dose that reaches w, by linear interpolation between the doses beside it. (A path may turn back: too strong
a dose wins less often and costs more.) Intervals are percentiles of a bootstrap over prompts, which resamples the whole path at
once, and all paths alike: differences between methods are paired by prompt.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from t2ialign.tradeoff.interval import CONFIDENCE, RESAMPLES, SEED
from t2ialign.types import InputError, Interval

FEWEST_PROMPTS = 8  # with fewer, a percentile bootstrap over prompts promises too much
KNOWN_SHARE = 0.95  # of the draws in which the path reaches the win rate, for an interval to be given


@dataclass(frozen=True)
class Dose:
    """One checkpoint of a path, prompt by prompt, beside the parent on the same seeds.

    ``wins``: how often one of its pictures beats one of the parent's of another seed; ``diversity`` and ``parent``: the
    diversity of both.
    """

    checkpoint: str
    wins: Mapping[str, float]
    diversity: Mapping[str, float]
    parent: Mapping[str, float]


@dataclass(frozen=True)
class DosePoint:
    """A dose over its prompts: win rate, and change of diversity as a share of the parent's."""

    checkpoint: str
    win_rate: Interval
    change: Interval


@dataclass(frozen=True)
class PathCost:
    """A path's doses in the order given, and what a common win rate costs on it: NaN where the path does not reach that.

    ``beyond``: the cost less that of the first path, paired by prompt (None for the first).
    """

    name: str
    doses: tuple[DosePoint, ...]
    prompts: int
    cost: Interval
    beyond: Interval | None


def path_costs(paths: Mapping[str, Sequence[Dose]], win_rate: float) -> list[PathCost]:
    """What ``win_rate`` costs on every path of doses, weakest first, over the prompts that all of them have.

    Raises:
        InputError: a win rate that says nothing, no path, or no prompt that all of them have.
    """
    if not 0.5 < win_rate < 1:
        raise InputError(f"A win rate to compare at lies between 0.5 and 1, as 0.65, not {win_rate:g}.")
    prompts = _shared(paths)
    tables = {name: _table(doses, prompts) for name, doses in paths.items()}
    rows = np.random.default_rng(SEED).integers(len(prompts), size=(RESAMPLES, len(prompts)))
    everyone = np.arange(len(prompts))[None]
    found: list[PathCost] = []
    first: tuple[float, Float[np.ndarray, " r"]] | None = None
    for name, table in tables.items():
        mean, draws = _cost(table, everyone, win_rate)[0], _cost(table, rows, win_rate)
        beyond = None if first is None else _interval(float(mean - first[0]), draws - first[1], len(prompts))
        first = first or (float(mean), draws)
        points = tuple(_points(paths[name], table, rows))
        found.append(PathCost(name, points, len(prompts), _interval(float(mean), draws, len(prompts)), beyond))
    return found


def _shared(paths: Mapping[str, Sequence[Dose]]) -> list[str]:
    """The prompts on which every dose of every path is scored."""
    doses = [dose for path in paths.values() for dose in path]
    sides = [side for dose in doses for side in (dose.wins, dose.diversity, dose.parent)]
    if not sides:
        raise InputError("There is no checkpoint to compare: name some that were swept on the same prompts and seeds.")
    shared = [key for key in sides[0] if all(math.isfinite(side.get(key, math.nan)) for side in sides)]
    if not shared:
        raise InputError("These checkpoints share no scored prompt: `sweep` them over one prompt set first.")
    return shared


def _table(doses: Sequence[Dose], prompts: Sequence[str]) -> Float[np.ndarray, "d 3 p"]:
    """Wins, diversity and the parent's diversity of each dose on each prompt."""
    return np.array([[[side[key] for key in prompts] for side in (d.wins, d.diversity, d.parent)] for d in doses])


def _means(table: Float[np.ndarray, "d 3 p"], rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Win rate and relative change of diversity of each draw (rows) and dose (columns)."""
    wins, diversity, parent = (table[:, part][:, rows].mean(-1).T for part in range(3))
    return wins, diversity / parent - 1


def _cost(table: Float[np.ndarray, "d 3 p"], rows: np.ndarray, win_rate: float) -> Float[np.ndarray, " r"]:
    """Of each draw, the change of diversity where its path, from (1/2, 0) through its doses, first wins that often."""
    wins, change = _means(table, rows)
    return np.array([_reached([0.5, *w], [0.0, *c], win_rate) for w, c in zip(wins, change)])


def _reached(wins: Sequence[float], change: Sequence[float], win_rate: float) -> float:
    """The change where a path first reaches a win rate; NaN where it never does."""
    for (w0, w1), (c0, c1) in zip(pairwise(wins), pairwise(change)):
        if w0 < win_rate <= w1:
            return c0 + (win_rate - w0) / (w1 - w0) * (c1 - c0)
    return math.nan


def _interval(mean: float, draws: Float[np.ndarray, " r"], prompts: int) -> Interval:
    known = draws[np.isfinite(draws)]
    if prompts < FEWEST_PROMPTS or len(known) < KNOWN_SHARE * len(draws) or math.isnan(mean):
        return Interval(mean, math.nan, math.nan)
    lo, hi = np.quantile(known, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(mean, float(lo), float(hi))


def _points(doses: Sequence[Dose], table: Float[np.ndarray, "d 3 p"], rows: np.ndarray) -> list[DosePoint]:
    """Each dose with its intervals."""
    points = []
    for dose, row in zip(doses, table):
        wins, change = _means(row[None], rows)
        mean_wins, mean_change = _means(row[None], np.arange(row.shape[-1])[None])
        count = row.shape[-1]
        rate = _interval(float(mean_wins[0, 0]), wins[:, 0], count)
        points.append(DosePoint(dose.checkpoint, rate, _interval(float(mean_change[0, 0]), change[:, 0], count)))
    return points
