"""Families of tests: of twenty differences that are none, one has an interval without zero; who prints many corrects them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from t2ialign.types import Interval

LEVEL = 0.05


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values (1979): below 0.05 with a chance of at most 5 % for any true null of the family.

    The k-th smallest of m is multiplied by m - k + 1, never falling and at most 1. NaN is no test: it stays NaN and does
    not count.
    """
    found = np.array(ps, dtype=float)
    order = [index for index in np.argsort(found, kind="stable") if not math.isnan(found[index])]
    factors = np.arange(len(order), 0, -1)
    found[order] = np.minimum(np.maximum.accumulate(found[order] * factors), 1.0)
    return [
        p if math.isnan(p) else after for p, after in zip(ps, found.tolist())
    ]  # a NaN itself: equal to itself in a record


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
