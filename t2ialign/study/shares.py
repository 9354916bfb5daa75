"""Shares with intervals that know whose answers they are, and about what: raters and prompts are clusters."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from scipy import special

from t2ialign.study.clusters import clustered
from t2ialign.types import Interval

NORMAL = 1.959963984540054  # half a 95 % interval in standard errors of independent answers


def share(answers: Iterable[tuple[str, str, float]]) -> Interval:
    """The mean of (survey, prompt, 0..1) answers with Wilson's 95 % interval at the effective number of answers.

    The variance of the ratio of totals (Cochran, Sampling Techniques, 2.11) under two-way clusters (``clusters``) says how
    many independent answers these are worth, never more than there are; where all say the same, no more than there are
    surveys or prompts.
    """
    given = list(answers)
    if not given:
        return Interval(math.nan, math.nan, math.nan)
    surveys, prompts, values = (list(column) for column in zip(*given))
    data = np.array(values, dtype=float)
    n, mean = float(len(data)), float(data.mean())
    plain = mean * (1 - mean)
    if plain <= 0:
        return Interval(mean, *_wilson(mean, min(len(set(surveys)), len(set(prompts))), NORMAL))
    found = clustered((data - mean)[:, None] / n, surveys, prompts, (2, 2))
    if found is None:
        return Interval(mean, *_wilson(mean, n, NORMAL))
    variance = float(found.covariance[0, 0])
    return Interval(mean, *_wilson(mean, min(n, plain / variance) if variance else n, found.quantile))


def _wilson(mean: float, n: float, quantile: float) -> tuple[float, float]:
    """Wilson's interval, also for a number of answers that is not whole and for Student's quantiles."""
    from statsmodels.stats.proportion import proportion_confint

    lo, hi = proportion_confint(mean * n, n, alpha=2 * special.ndtr(-quantile), method="wilson")
    return float(max(lo, 0.0)), float(min(hi, 1.0))


def difference_is_chance(table: np.ndarray) -> float:
    """Pearson's chi-squared p-value of a table of counts, without its empty rows and columns; NaN if too little is left."""
    table = table[table.sum(1) > 0][:, table.sum(0) > 0] if table.size else table
    if min(table.shape, default=0) < 2:
        return math.nan
    from scipy import stats

    return float(stats.chi2_contingency(table).pvalue)
