"""What a measure that needs no truth is worth as a judge of a prompt's pictures: ranks, and the pictures that it would choose.

MI-TUNE (Wang et al., ICLR 2025, arXiv:2405.20759) chooses what it learns from by mutual information. Two questions come before
any training. Does the truth rank a prompt's first, middle and last picture as the measure does (Kendall's tau of three)? And
how much better than a prompt's average are the k pictures that it would choose of M?
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from t2ialign.tradeoff import families
from t2ialign.tradeoff.correlation import coefficient
from t2ialign.tradeoff.interval import Estimate, estimate
from t2ialign.types import Interval


@dataclass(frozen=True)
class Marked:
    """A prompt's pictures in the order of their seeds: what the measure says of each, and the truth."""

    prompt: str
    marks: Float[np.ndarray, " n"]
    truth: Float[np.ndarray, " n"]


@dataclass(frozen=True)
class Tested:
    """A mean over ``prompts`` with its interval; ``p`` tests 0 and is ``adjusted`` by Holm over what was printed together."""

    mean: Interval
    prompts: int
    p: float
    adjusted: float = math.nan


@dataclass(frozen=True)
class Choice:
    """The k best marked of M pictures: how much truer than the average of the M, and what the truth's own k would be."""

    candidates: int
    kept: int
    gain: Tested
    most: float


def first_middle_last(one: Marked) -> float:
    """Kendall's tau-b of the pictures marked lowest, in the middle and highest; NaN where the truth calls all three equal."""
    picked = one.marks.argsort(kind="stable")[[0, len(one.marks) // 2, -1]]
    return coefficient(one.marks[picked], one.truth[picked], "kendall")


def all_of_them(one: Marked) -> float:
    """Kendall's tau-b over all pictures of the prompt."""
    return coefficient(one.marks, one.truth, "kendall")


def gain(one: Marked, by: Float[np.ndarray, " n"], candidates: int, kept: int) -> float:
    """Mean truth of the ``kept`` highest of every block of ``candidates`` pictures, less that of all pictures in the blocks."""
    blocks = len(by) // candidates
    marks, truth = (part[: blocks * candidates].reshape(blocks, candidates) for part in (by, one.truth))
    chosen = (-marks).argsort(1, kind="stable")[:, :kept]
    return float(np.take_along_axis(truth, chosen, 1).mean() - truth.mean())


def tested(values: Sequence[float]) -> Tested:
    """The mean over the prompts whose value is known."""
    known = [value for value in values if not math.isnan(value)]
    found: Estimate = estimate(known)
    return Tested(found.interval, len(known), found.p)


def choices(prompts: Sequence[Marked], sizes: Sequence[int], kept: Sequence[int]) -> list[Choice]:
    """Every number of candidates and of pictures kept that the prompts have, as one family of tests."""
    fewest = min((len(one.marks) for one in prompts), default=0)
    found = [
        Choice(
            *(m, k),
            tested([gain(one, one.marks, m, k) for one in prompts]),
            float(np.mean([gain(one, one.truth, m, k) for one in prompts])),
        )
        for m in sizes
        for k in kept
        if k < m <= fewest
    ]
    adjusted = families.holm([one.gain.p for one in found])
    return [
        Choice(one.candidates, one.kept, Tested(one.gain.mean, one.gain.prompts, one.gain.p, p), one.most)
        for one, p in zip(found, adjusted)
    ]


def shares(values: Float[np.ndarray, " n"]) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """An empirical distribution: the sorted values, and the share of pictures that have at most so much."""
    return np.sort(values), np.arange(1, len(values) + 1) / len(values)
