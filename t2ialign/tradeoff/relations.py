"""Do two metrics say the same? Kendall's tau-b at three levels, which are three different questions.

- *pictures*: of one prompt's pictures of one config, do both call the same ones better? Each prompt's own tau, then the mean
  over prompts. Only metrics of single pictures answer it.
- *prompts*: of one config's prompts, are the same ones high on both? The interval is a bootstrap over prompts.
- *checkpoints*: over configs, do both rank them alike? The tau of the configs' means. The interval resamples configs, which are
  no random draw of anything: it says how much single ones weigh.

Every metric is turned first so that more is better: a tau below 0 says that what one calls better the other calls worse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from jaxtyping import Float

from t2ialign.tradeoff import families
from t2ialign.tradeoff.cell_values import CellValues
from t2ialign.tradeoff.interval import CONFIDENCE, bootstrap_p, estimate, resamples
from t2ialign.types import GenerationConfig, Interval, Metric

Level = Literal["pictures", "prompts", "checkpoints"]
FEWEST = 5  # of fewer things a rank correlation says nothing
QUESTIONS: Mapping[Level, str] = {
    "pictures": "Of one prompt's pictures, do both call the same ones better?",
    "prompts": "Of one model's prompts, are the same ones high on both?",
    "checkpoints": "Over models and settings, do both rank them alike?",
}
UNKNOWN = Interval(math.nan, math.nan, math.nan)
ITSELF = Interval(1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Relations:
    """Taus of all pairs of metrics at one level, NaN where the question cannot be asked.

    Each pair is taken where both are known; ``counts`` is how many things it ranks: prompts, configs or, within prompts,
    pictures. ``ps`` test a tau of 0, each alone: who reads several corrects them. ``config`` is the one that they are of.
    """

    level: Level
    metrics: tuple[str, ...]
    taus: tuple[tuple[Interval, ...], ...]
    counts: tuple[tuple[int, ...], ...]
    ps: tuple[tuple[float, ...], ...]
    config: GenerationConfig | None = None

    def between(self, one: str, other: str) -> tuple[Interval, int]:
        """The tau of two metrics, and of how many things."""
        row, column = self.metrics.index(one), self.metrics.index(other)
        return self.taus[row][column], self.counts[row][column]

    def adjusted(self, one: str, others: Sequence[str]) -> list[float]:
        """The p-values of one metric's taus with others, after Holm over these."""
        row = self.ps[self.metrics.index(one)]
        return families.holm([row[self.metrics.index(other)] for other in others])


Pair = tuple[Interval, int, float]
"""A tau, of how many things, and its p-value."""


def over_checkpoints(cells: CellValues) -> Relations:
    """Over the configs that have both metrics on the most prompts."""

    def tau(i: int, j: int) -> Pair:
        pair = cells.whole(cells.metrics[i].name, cells.metrics[j].name)
        one, other = (_sign(cells.metrics[place]) * pair.mean(cells.metrics[place]) for place in (i, j))
        return _bootstrapped(one, other)

    return _relations("checkpoints", cells.metrics, tau, None)


def over_prompts(cells: CellValues, config: GenerationConfig) -> Relations:
    """Over the prompts on which one config has both metrics."""
    table = cells.values[:, cells.configs.index(config)]
    rows = np.array([_sign(metric) * row for metric, row in zip(cells.metrics, table)])

    def tau(i: int, j: int) -> Pair:
        known = np.isfinite(rows[i]) & np.isfinite(rows[j])
        return _bootstrapped(rows[i][known], rows[j][known])

    return _relations("prompts", cells.metrics, tau, config)


def over_pictures(
    metrics: Sequence[Metric],
    prompts: Sequence[Mapping[str, Float[np.ndarray, " _"]]],
    config: GenerationConfig,
) -> Relations:
    """Within each prompt's pictures; ``prompts``: {metric: its values, in the order of the seeds}, one mapping a prompt."""

    def tau(i: int, j: int) -> Pair:
        one, other = metrics[i], metrics[j]
        both = [found for found in prompts if one.name in found and other.name in found and len(found[one.name]) > 1]
        each = _within(one, other, both)
        mean = estimate(each[np.isfinite(each)].tolist() or [math.nan])
        return mean.interval, sum(len(found[one.name]) for found in both), mean.p

    return _relations("pictures", metrics, tau, config)


def _relations(
    level: Level, metrics: Sequence[Metric], tau: Callable[[int, int], Pair], config: GenerationConfig | None
) -> Relations:
    size = len(metrics)
    found = {(i, j): tau(i, j) for i in range(size) for j in range(i)}
    itself = ITSELF, 0, math.nan
    table = [[itself if i == j else found[max(i, j), min(i, j)] for j in range(size)] for i in range(size)]
    intervals = tuple(tuple(interval for interval, *_ in row) for row in table)
    counts = tuple(tuple(count for _, count, _ in row) for row in table)
    ps = tuple(tuple(p for *_, p in row) for row in table)
    return Relations(level, tuple(one.name for one in metrics), intervals, counts, ps, config)


def _bootstrapped(one: Float[np.ndarray, " t"], other: Float[np.ndarray, " t"]) -> Pair:
    things = len(one)
    if things < FEWEST:
        return UNKNOWN, things, math.nan
    found = taus(one, other, _counts(things))
    return (
        _percentiles(found),
        things,
        math.nan if math.isnan(found[0]) else bootstrap_p(found[1:][np.isfinite(found[1:])]),
    )


@lru_cache(maxsize=4)
def _counts(things: int) -> Float[np.ndarray, "r t"]:
    """The resamples in single precision, which is twice as fast, where their sums are exact in it: below 2**24."""
    return resamples(things).astype(np.float32) if things**2 < 2**24 else resamples(things)


def taus(
    x: Float[np.ndarray, " t"], y: Float[np.ndarray, " t"], weights: Float[np.ndarray, "r t"]
) -> Float[np.ndarray, " r"]:
    """Tau-b of each resample, which has the things as often as ``weights`` says; NaN where one side is constant in it."""
    products = np.sign(x[:, None] - x) * np.sign(y[:, None] - y)
    both = np.einsum("rt,rt->r", weights @ products.astype(weights.dtype), weights).astype(float)
    every = weights.sum(1).astype(float) ** 2
    one, other = (every - _tied(side, weights) for side in (x, y))
    with np.errstate(invalid="ignore", divide="ignore"):
        tau: np.ndarray = both / np.sqrt(one * other)
        return tau


def _tied(side: Float[np.ndarray, " t"], weights: Float[np.ndarray, "r t"]) -> Float[np.ndarray, " r"]:
    """In how many ordered pairs of each resample, those of a thing with itself included, both have the same value."""
    values, group = np.unique(side, return_inverse=True)
    if len(values) < len(side):
        weights = weights @ (group[:, None] == np.arange(len(values))).astype(weights.dtype)
    pairs: np.ndarray = np.einsum("rt,rt->r", weights, weights).astype(float)
    return pairs


def _within(x: Metric, y: Metric, prompts: Sequence[Mapping[str, Float[np.ndarray, " _"]]]) -> Float[np.ndarray, " p"]:
    """Tau-b of each prompt's pictures, prompts with as many pictures at once; NaN where one side is constant."""
    found = np.full(len(prompts), np.nan)
    sizes = np.array([len(one[x.name]) for one in prompts])
    for size in np.unique(sizes):
        places = np.flatnonzero(sizes == size)
        these = [prompts[place] for place in places.tolist()]
        sides = [np.stack([one[metric.name] for one in these]) * _sign(metric) for metric in (x, y)]
        left, right = (np.sign(side[:, :, None] - side[:, None, :]).reshape(len(places), -1) for side in sides)
        both, one, other = ((a * b).sum(1) for a, b in ((left, right), (left, left), (right, right)))
        with np.errstate(invalid="ignore", divide="ignore"):
            found[places] = both / np.sqrt(one * other)
    return found


def _percentiles(found: Float[np.ndarray, " r"]) -> Interval:
    """The first, with percentiles of the others."""
    known = found[1:][np.isfinite(found[1:])]
    if math.isnan(found[0]) or not len(known):
        return UNKNOWN
    lo, hi = np.quantile(known, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(found[0]), float(lo), float(hi))


def _sign(metric: Metric) -> float:
    return 1.0 if metric.higher_is_better else -1.0
