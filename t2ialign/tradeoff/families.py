"""Families of tests: of twenty differences that are none, one has an interval without zero; who prints many corrects them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from t2ialign.types import Interval

LEVEL = 0.05


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values (1979): below 0.05 with a chance of at most 5 % for any true null of the family.

    NaN is no test: it stays NaN and does not count.
    """
    return _of_tests(ps, _holm)


def benjamini_hochberg(ps: Sequence[float]) -> list[float]:
    """Adjusted p-values of Benjamini and Hochberg (1995): of those below 0.05 at most 5 % are true nulls, on average."""
    return _of_tests(ps, stats.false_discovery_control)


def in_words(found: Interval, adjusted: float, family: int) -> str:
    """What an interval says about zero, and whether that stands in its family of ``family`` differences (Holm)."""
    if math.isnan(found.lo):
        return "too few prompts or seeds to say"
    if found.lo <= 0 <= found.hi:
        return "the interval holds zero"
    if family < 2:
        return "the interval excludes zero"
    also = "also" if stands(adjusted) else "not"
    return f"the interval excludes zero, {also} after Holm over {family} differences"


def legend(family: int) -> str:
    """The line under a table whose bold differences stand in their family."""
    if family == 1:
        return "Bold: the interval excludes zero."
    return f"Bold: the interval excludes zero, also after Holm over the {family} differences of this table."


def stands(adjusted: float) -> bool:
    """Whether a difference stands in its family."""
    return adjusted < LEVEL


def tests(ps: Sequence[float]) -> int:
    """The size of a family: how many of its members are tests."""
    return sum(not math.isnan(p) for p in ps)


def _of_tests(ps: Sequence[float], adjust: Callable[[np.ndarray], np.ndarray]) -> list[float]:
    """Adjusted p-values where there is a test, NaN elsewhere."""
    found = np.array(ps, dtype=float)
    known = ~np.isnan(found)
    if known.any():
        found[known] = adjust(found[known])
    return found.tolist()


def _holm(ps: np.ndarray) -> np.ndarray:
    """The k-th smallest of m times m - k + 1, never falling and at most 1."""
    order = np.argsort(ps, kind="stable")
    adjusted = np.empty_like(ps)
    adjusted[order] = np.minimum(np.maximum.accumulate(ps[order] * np.arange(len(ps), 0, -1)), 1.0)
    return adjusted
