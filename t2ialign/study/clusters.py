"""Answers are no independent draws: a rater's resemble each other, and so do those about one prompt.

Both are clusters at once, raters x prompts: V_raters + V_prompts - V_both (Cameron, Gelbach and Miller, Robust Inference
With Multiway Clustering, 2011), each with G / (G - 1); what the smaller of the two adds to the larger counts only as far as
it is positive. Student's t has Satterthwaite's degrees of freedom. Such intervals speak about new raters and new prompts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from t2ialign.tradeoff.interval import CONFIDENCE

FEWEST_RATERS = 10  # below, the spread between raters cannot be estimated, and votes count as independent
FEWEST_PROMPTS = 5  # below, results speak about these prompts alone


@dataclass(frozen=True)
class Clustered:
    """A covariance, and how many raters and prompts stand behind it as clusters (0: they did not count as such).

    ``df`` are the degrees of freedom of Student's t, infinite where answers counted as independent.
    """

    covariance: np.ndarray
    raters: int
    prompts: int
    df: float

    @property
    def quantile(self) -> float:
        """Half a 95 % interval in standard errors."""
        return float(special.stdtrit(self.df, (1 + CONFIDENCE) / 2))


def clustered(
    scores: np.ndarray,
    raters: Sequence[str],
    prompts: Sequence[str],
    fewest: tuple[int, int] = (FEWEST_RATERS, FEWEST_PROMPTS),
) -> Clustered | None:
    """The covariance of the sum of ``scores`` [answers, d], which have mean 0, under raters x prompts ("" = unknown).

    An unknown one counts as one of its own (``unclustered`` says so). Only clusters of which there are enough count; None
    where neither are.
    """
    by_rater, by_prompt = (_labels(names, least) for names, least in zip((raters, prompts), fewest))
    if by_rater is None or by_prompt is None:
        labels = by_rater if by_prompt is None else by_prompt
        if labels is None:
            return None
        found = _spread(scores, labels)
        groups = int(labels.max()) + 1
        return Clustered(found, groups if by_prompt is None else 0, groups if by_rater is None else 0, groups - 1.0)
    both = np.unique(by_rater * (by_prompt.max() + 1) + by_prompt, return_inverse=True)[1]
    sizes = int(by_rater.max()) + 1, int(by_prompt.max()) + 1
    larger, smaller = sorted(
        ((_spread(scores, labels), n) for labels, n in zip((by_rater, by_prompt), sizes)), key=_trace
    )[::-1]
    more = _positive(smaller[0] - _spread(scores, both))
    one, other = float(np.trace(larger[0])), float(np.trace(more))
    parts = one**2 / (larger[1] - 1) + other**2 / (smaller[1] - 1)
    return Clustered(larger[0] + more, *sizes, (one + other) ** 2 / parts if parts else min(sizes) - 1.0)


def unclustered(
    raters: Sequence[str], prompts: Sequence[str], fewest: tuple[int, int] = (FEWEST_RATERS, FEWEST_PROMPTS)
) -> str:
    """In what respect answers count as independent though they may not be, in a sentence a respect; "" = in none."""
    said = []
    for what, names, least in (("rater", raters, fewest[0]), ("prompt", prompts, fewest[1])):
        known, blank = len(set(names) - {""}), sum(not name for name in names)
        if known < least:
            there = (
                f"only {known} {what}{'s' if known > 1 else ''} of the {least} that it takes" if known else f"no {what}"
            )
            said.append(f"Intervals take answers for independent of their {what}s, because {there} can be told apart.")
        elif blank:
            said.append(f"{blank} of {len(names)} answers name no {what}; each counts as a {what} of its own.")
    return " ".join(said)


def _trace(part: tuple[np.ndarray, int]) -> float:
    return float(np.trace(part[0]))


def _labels(names: Sequence[str], fewest: int) -> np.ndarray | None:
    """A number for each name; answers whose name is unknown are clusters of their own. None where too few are known."""
    own = [name or f"\0{place}" for place, name in enumerate(names)]
    found = len(set(names) - {""})
    return None if found < fewest else np.unique(np.asarray(own, dtype=str), return_inverse=True)[1]


def _spread(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Sum over clusters of the outer products of their sums, times G / (G - 1)."""
    groups = int(labels.max()) + 1
    sums = np.zeros((groups, scores.shape[1]))
    np.add.at(sums, labels, scores)
    return sums.T @ sums * groups / max(groups - 1, 1)


def _positive(matrix: np.ndarray) -> np.ndarray:
    """The nearest matrix without negative variances."""
    values, vectors = np.linalg.eigh(matrix)
    nearest: np.ndarray = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return nearest
