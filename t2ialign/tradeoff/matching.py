"""A checkpoint beside another one at the CFG where that is as well aligned: the same alignment, how much more variety?

Two checkpoints at one CFG differ on both axes, so that neither is simply better. The other one's guidance sweep says what it
would give at the checkpoint's own alignment: between two swept CFG values both means are interpolated linearly, and of several
such places the lowest CFG counts. Intervals are percentiles of a bootstrap over prompts which resamples the checkpoint and the
whole sweep alike, so they also hold where on the sweep the match is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from t2ialign.names import NO_TITLES, PLAIN, setting_name
from t2ialign.tradeoff.cell_values import CellValues, averaged
from t2ialign.tradeoff.interval import CONFIDENCE, resamples
from t2ialign.types import GenerationConfig, Interval, Metric

FEWEST_SCALES = 2  # of a sweep
FEWEST_PROMPTS = 8  # with fewer, a percentile bootstrap over prompts promises too much
KNOWN_SHARE = 0.95  # of the draws in which the sweep is as well aligned, for an interval to be given


@dataclass(frozen=True)
class AsAligned:
    """``policy`` beside ``other``, whose sweep has the same ``x`` at ``scale``: ``gain`` is policy's y / other's y - 1.

    Where no swept CFG is as well aligned, ``scale`` and ``gain`` are NaN; ``lowest`` and ``highest`` are the sweep's own x
    between its CFG values ``scales``.
    """

    policy: GenerationConfig
    other: str
    x: float
    scale: float
    gain: Interval
    scales: tuple[float, ...]
    lowest: float
    highest: float
    prompts: int


def as_aligned(cells: CellValues, policy: GenerationConfig, other: str, x: Metric, y: Metric) -> AsAligned | None:
    """The policy beside another checkpoint's sweep under the same settings, on the prompts that all of them have.

    None where the policy is that checkpoint itself, or the sweep has fewer than two CFG values.
    """
    sweep = [one for one in cells.configs if one.checkpoint == other and _alike(one, policy)]
    sweep.sort(key=lambda one: one.guidance_scale)
    if policy.checkpoint == other or policy not in cells.configs or len(sweep) < FEWEST_SCALES:
        return None
    rows = [cells.configs.index(one) for one in (policy, *sweep)]
    sides = [cells.of(metric.name)[rows] for metric in (x, y)]
    known = np.isfinite(sides).all((0, 1))
    if not known.any():
        return None
    weights = resamples(int(known.sum()))
    xs, ys = (averaged(metric, side[:, known], weights) for metric, side in zip((x, y), sides))
    scales = np.array([one.guidance_scale for one in sweep])
    matched, places = crossing(xs[:, 0], xs[:, 1:], ys[:, 1:], scales)
    return AsAligned(
        policy,
        other,
        float(xs[0, 0]),
        float(places[0]),
        _interval(ys[:, 0] / np.where(matched > 0, matched, math.nan) - 1, int(known.sum())),
        tuple(scales.tolist()),
        float(xs[0, 1:].min()),
        float(xs[0, 1:].max()),
        int(known.sum()),
    )


def crossing(
    target: Float[np.ndarray, " r"],
    curve: Float[np.ndarray, "r c"],
    values: Float[np.ndarray, "r c"],
    scales: Float[np.ndarray, " c"],
) -> tuple[Float[np.ndarray, " r"], Float[np.ndarray, " r"]]:
    """Of each draw the value and the scale where the curve first meets the target; NaN where it does not."""
    place, on = place_on(target, curve)
    rows, after = np.arange(len(curve)), np.minimum(place + 1, curve.shape[1] - 1)
    return (
        (1 - on) * values[rows, place] + on * values[rows, after],
        (1 - on) * scales[place] + on * scales[after],
    )


def place_on(target: Float[np.ndarray, " r"], curve: Float[np.ndarray, "r c"]) -> tuple[np.ndarray, np.ndarray]:
    """Behind which value of each curve its target lies first, and how far on to the next one; NaN where between no two."""
    if curve.shape[1] == 1:
        return np.zeros(len(curve), int), np.full(len(curve), math.nan)
    before, after = curve[:, :-1] - target[:, None], curve[:, 1:] - target[:, None]
    meets = (before * after <= 0) & (before != after)
    place, rows = meets.argmax(1), np.arange(len(curve))
    span = np.where(meets[rows, place], after[rows, place] - before[rows, place], math.nan)
    return place, -before[rows, place] / span


def in_a_sentence(found: AsAligned, x: Metric, y: Metric, titles: Mapping[str, str] = NO_TITLES) -> str:
    """``minimal_js at CFG 4 is as aligned as base at CFG 6 by Oracle alignment, and 18 % more varied (9 to 26)``."""
    who = setting_name(found.policy, titles)
    other, word = titles.get(found.other, found.other), _WORDS[x.axis]
    if math.isnan(found.scale):
        more = "more" if (found.x > found.highest) == x.higher_is_better else "less"
        return (
            f"By {x.title}, {who} ({found.x:.3g}) is {more} {word} than {other} anywhere on its sweep, CFG "
            f"{found.scales[0]:g} to {found.scales[-1]:g} ({found.lowest:.3g} to {found.highest:.3g})."
        )
    place = f"{found.scale:.1f}".removesuffix(".0")
    return f"By {x.title}, {who} is as {word} as {other} at CFG {place}, and {_gain(found, y)}, on {found.prompts} prompts."


_WORDS = {"alignment": "aligned", "diversity": "varied"}


def _gain(found: AsAligned, y: Metric) -> str:
    gain, word = found.gain, f"{_WORDS[y.axis]} by {y.title}"
    if math.isnan(gain.mean):
        return f"{y.title} says nothing about shares"
    more = "more" if (gain.mean > 0) == y.higher_is_better else "less"
    low, high = sorted((abs(gain.lo), abs(gain.hi)))
    if math.isnan(gain.lo):
        return f"{100 * abs(gain.mean):.0f} % {more} {word} (too little is known to say how sure that is)"
    if gain.lo <= 0 <= gain.hi:
        return f"not clearly more or less {word} ({100 * gain.lo:+.0f} to {100 * gain.hi:+.0f} %)"
    return f"{100 * abs(gain.mean):.0f} % {more} {word} ({100 * low:.0f} to {100 * high:.0f})"


def _alike(one: GenerationConfig, policy: GenerationConfig) -> bool:
    """Whether two configs differ in adapters and guidance alone, and the first has plain guidance."""
    same = replace(policy, adapters=one.adapters, guidance=PLAIN, guidance_params=(), guidance_scale=one.guidance_scale)
    return one == same


def _interval(draws: Float[np.ndarray, " r"], prompts: int) -> Interval:
    mean, known = float(draws[0]), draws[1:][np.isfinite(draws[1:])]
    if math.isnan(mean) or prompts < FEWEST_PROMPTS or len(known) < KNOWN_SHARE * (len(draws) - 1):
        return Interval(mean, math.nan, math.nan)
    lo, hi = np.quantile(known, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(mean, float(lo), float(hi))
