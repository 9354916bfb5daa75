"""Dose and response: does a metric move one way as a dial (guidance_scale, an adapter's weight) is turned?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from t2ialign.tradeoff.correlation import coefficient
from t2ialign.tradeoff.interval import CONFIDENCE, RESAMPLES, SEED, mean_interval
from t2ialign.types import InputError, Interval


@dataclass(frozen=True)
class Trend:
    """A dial's effect on a metric: the mean at every dose, and Spearman's rho between dose and mean over prompts.

    ``rising_p`` and ``falling_p`` are Page's test (1963) against "no trend", with prompts as blocks; NaN where cells
    are missing.
    """

    doses: tuple[float, ...]
    means: tuple[Interval, ...]
    rho: Interval
    rising_p: float
    falling_p: float


def monotone_trend(doses: Sequence[float], values: Sequence[Sequence[float]]) -> Trend:
    """Trend of ``values`` (one row a prompt, one column a dose, NaN = not scored) along ``doses``.

    rho's interval resamples prompts with all their doses, as the same prompts are measured at every dose.
    """
    table = np.asarray(values, dtype=float)
    if table.ndim != 2 or table.shape[1] != len(doses) or len(doses) < 3:
        raise InputError("A trend needs at least three doses and, for every prompt, one value at each of them.")
    order = np.argsort(doses)
    dial, table = np.asarray(doses, dtype=float)[order], table[:, order]
    means = tuple(_column(column) for column in table.T)
    rho = coefficient(dial, np.array([mean.mean for mean in means]), "spearman")
    tests = [_page(table), _page(table[:, ::-1])]
    return Trend(tuple(dial.tolist()), means, Interval(rho, *_resampled(dial, table)), *tests)


def _column(column: np.ndarray) -> Interval:
    known = column[np.isfinite(column)]
    return mean_interval(known.tolist()) if len(known) else Interval(math.nan, math.nan, math.nan)


def _resampled(dial: np.ndarray, table: np.ndarray) -> tuple[float, float]:
    if len(table) < 2 or np.isnan(table).any():
        return math.nan, math.nan
    draws = np.random.default_rng(SEED).integers(len(table), size=(RESAMPLES, len(table)))
    rhos = [coefficient(dial, table[draw].mean(0), "spearman") for draw in draws]
    tail = (1 - CONFIDENCE) / 2
    lo, hi = np.nanquantile(rhos, [tail, 1 - tail])
    return float(lo), float(hi)


def _page(table: np.ndarray) -> float:
    if len(table) < 2 or np.isnan(table).any():
        return math.nan
    return float(stats.page_trend_test(table).pvalue)
