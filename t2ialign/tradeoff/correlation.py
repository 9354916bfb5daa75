"""Rank correlation of two metrics with an interval: is there a trade-off, and do two metrics see the same thing?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from jaxtyping import Float

from t2ialign.tradeoff.interval import CONFIDENCE, RESAMPLES, SEED
from t2ialign.types import Interval

Rank = Literal["spearman", "kendall"]


def rank_correlation(x: Sequence[float], y: Sequence[float], rank: Rank = "spearman") -> Interval:
    """Spearman's rho or Kendall's tau-b over paired values, with a percentile bootstrap over the pairs.

    Pairs with a NaN are left out. The interval is NaN below five pairs, and everything is where one side is constant.
    """
    return _rank_correlation(tuple(map(float, x)), tuple(map(float, y)), rank)


@lru_cache(maxsize=128)  # a page asks for the same chart many times over
def _rank_correlation(x: tuple[float, ...], y: tuple[float, ...], rank: Rank) -> Interval:
    pairs = np.array([x, y], dtype=float)
    left, right = pairs[:, np.isfinite(pairs).all(0)]
    if len(left) < 2 or np.ptp(left) == 0 or np.ptp(right) == 0:
        return Interval(math.nan, math.nan, math.nan)
    value = coefficient(left, right, rank)
    if len(left) < 5:
        return Interval(value, math.nan, math.nan)
    draws = np.random.default_rng(SEED).integers(len(left), size=(RESAMPLES, len(left)))
    resampled = _spearman(left[draws], right[draws]) if rank == "spearman" else _kendall(left[draws], right[draws])
    tail = (1 - CONFIDENCE) / 2
    lo, hi = np.nanquantile(resampled, [tail, 1 - tail])
    return Interval(value, float(lo), float(hi))


def _spearman(x: Float[np.ndarray, "r n"], y: Float[np.ndarray, "r n"]) -> Float[np.ndarray, " r"]:
    """Row by row and all at once: Pearson's coefficient of the ranks, equals sharing theirs."""
    from scipy import stats

    left, right = (stats.rankdata(side, axis=1) - (side.shape[1] + 1) / 2 for side in (x, y))
    with np.errstate(invalid="ignore"):  # 0 / 0 where a side is constant
        rho: np.ndarray = (left * right).sum(1) / np.sqrt((left**2).sum(1) * (right**2).sum(1))
        return rho


def _kendall(x: Float[np.ndarray, "r n"], y: Float[np.ndarray, "r n"]) -> Float[np.ndarray, " r"]:
    return np.array([coefficient(left, right, "kendall") for left, right in zip(x, y)])


def coefficient(x: np.ndarray, y: np.ndarray, rank: Rank) -> float:
    """The bare coefficient; NaN where one side is constant (as a resample of few pairs can be)."""
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    from scipy import stats

    statistic = stats.spearmanr if rank == "spearman" else stats.kendalltau
    return float(statistic(x, y).statistic)
