"""Shares with intervals that know whose answers they are: answers of one survey resemble each other."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from scipy import stats

from t2ialign.tradeoff.interval import CONFIDENCE
from t2ialign.types import Interval


def share(answers: Iterable[tuple[str, float]]) -> Interval:
    """The mean of (survey, 0..1) answers with Wilson's 95 % interval at the effective number of answers.

    Surveys are the clusters: the variance of the ratio of their totals (Cochran, Sampling Techniques, 2.11) says how
    many independent answers these are worth, never more than there are.
    """
    totals: dict[str, list[float]] = defaultdict(list)
    for survey, value in answers:
        totals[survey].append(value)
    sums = np.array([sum(values) for values in totals.values()])
    counts = np.array([len(values) for values in totals.values()], dtype=float)
    n = counts.sum()
    if not n:
        return Interval(math.nan, math.nan, math.nan)
    mean = float(sums.sum() / n)
    return Interval(mean, *_wilson(mean, _effective(sums, counts, mean)))


def _effective(sums: np.ndarray, counts: np.ndarray, mean: float) -> float:
    """How many independent answers have the variance that these have."""
    n, surveys = counts.sum(), len(counts)
    plain = mean * (1 - mean)
    if surveys < 2 or not plain:
        return float(n)
    residuals = sums - mean * counts
    variance = surveys / (surveys - 1) * (residuals**2).sum() / n**2
    return float(min(n, plain / variance)) if variance else float(n)


def _wilson(mean: float, n: float) -> tuple[float, float]:
    """Wilson's interval, also for a number of answers that is not whole."""
    from statsmodels.stats.proportion import proportion_confint

    lo, hi = proportion_confint(mean * n, n, alpha=1 - CONFIDENCE, method="wilson")
    return float(max(lo, 0.0)), float(min(hi, 1.0))


def difference_is_chance(table: np.ndarray) -> float:
    """Pearson's chi-squared p-value of a table of counts, without its empty rows and columns; NaN if too little is left."""
    table = table[table.sum(1) > 0][:, table.sum(0) > 0] if table.size else table
    if min(table.shape, default=0) < 2:
        return math.nan
    return float(stats.chi2_contingency(table).pvalue)
