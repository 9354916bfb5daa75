"""Intervals over a prompt set: prompts are the clusters, seeds live within them.

Seeds of one prompt are no independent evidence about other prompts, so a checkpoint's value is the mean over prompts
of its per-prompt values, and only prompts are resampled. With a single prompt there is nothing to resample but its
seeds: the interval then is the one that its score came with (the jackknife over seeds), and speaks about that prompt
alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from scipy import stats

from t2ialign.types import InputError, Interval

Method = Literal["t", "bca"]
CONFIDENCE = 0.95
RESAMPLES = 2000
SEED = 20_26  # the same bootstrap draws for everyone: an interval must not change when the page is reloaded


def over_prompts(
    cells: Sequence[Interval], method: Method = "t", finish: Callable[[float], float] | None = None
) -> Interval:
    """Mean over prompts with its interval; ``cells`` holds one prompt's interval (over seeds) each, NaN = not scored.

    ``finish`` is a metric's own (1 / u for effective numbers), its own inverse: values are taken back before they are
    averaged and turned again afterwards, because the mean of inverses is not the inverse of the mean.
    """
    known = [cell for cell in cells if not math.isnan(cell.mean)]
    if len(known) < 2:
        return known[0] if known else Interval(math.nan, math.nan, math.nan)
    if finish is None:
        return mean_interval([cell.mean for cell in known], method)
    found = mean_interval([finish(cell.mean) for cell in known], method)
    lo, hi = sorted((finish(max(found.lo, 0.0)), finish(found.hi)))
    return Interval(finish(found.mean), lo, hi)


def mean_interval(values: Sequence[float], method: Method = "t") -> Interval:
    """Mean of independent values with a 95 % interval: Student's t, or the bias-corrected accelerated bootstrap."""
    data = np.asarray(values, dtype=float)
    mean = float(data.mean())
    if len(data) < 2:
        return Interval(mean, math.nan, math.nan)
    if method == "bca" and np.ptp(data) > 1e-12 * abs(mean):  # the bootstrap of a constant is undefined, its t is not
        found = stats.bootstrap(
            (data,), np.mean, confidence_level=CONFIDENCE, n_resamples=RESAMPLES, method="BCa", rng=SEED
        ).confidence_interval
        return Interval(mean, float(found.low), float(found.high))
    margin = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(data) - 1) * stats.sem(data))
    return Interval(mean, mean - margin, mean + margin)


def paired_difference(policy: Mapping[str, float], base: Mapping[str, float], method: Method = "t") -> Interval:
    """How much ``policy`` exceeds ``base`` on the prompts that both have: {prompt: value}, same seeds on both sides.

    The prompts' own difficulty drops out of every difference, which is why this interval is the one to quote for two
    checkpoints. NaN marks a prompt that was not scored.
    """
    shared = [prompt for prompt in policy if prompt in base]
    differences = [policy[prompt] - base[prompt] for prompt in shared]
    known = [difference for difference in differences if not math.isnan(difference)]
    if not known:
        raise InputError("The two checkpoints share no scored prompt; run both on the same prompts and seeds first.")
    return mean_interval(known, method)
