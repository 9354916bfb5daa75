"""The trade-off plane seen from one of its points: what every other point has more or less on the same prompts and seeds.

On plain axes the prompts' spread hides what an adapter or a CFG value does, because it is in both ends alike. A difference
paired by prompt and seed is without it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from t2ialign.tradeoff.comparison import Comparison
from t2ialign.types import GenerationConfig, Interval, Metric, TradeoffPoint


@dataclass(frozen=True)
class Differences:
    """Points whose two intervals are those of the paired differences from ``reference``, which itself is at (0, 0).

    ``missing``: how many points share no scored prompt and seeds with it on both axes.
    """

    reference: GenerationConfig
    points: tuple[TradeoffPoint, ...]
    missing: int = 0


def differences(
    points: Sequence[TradeoffPoint], reference: GenerationConfig, made: Iterable[Comparison], x: Metric, y: Metric
) -> Differences:
    """The points as differences, in their order, from comparisons of each with the reference.

    An effective number's mean is no mean of differences (``Comparison``): it has the difference of the means, without an
    interval.
    """
    found = {(one.policy, one.metric): one for one in made if one.base == reference}
    moved = []
    for point in points:
        pair = [found.get((point.config, metric.name)) for metric in (x, y)]
        if None not in pair:
            across, up = (one for one in pair if one is not None)
            prompts = min(across.prompts, up.prompts)
            moved.append(replace(point, x=gap(across), y=gap(up), prompts=prompts, seeds=across.seeds, cells=()))
    return Differences(reference, tuple(moved), len(points) - len(moved))


def gap(one: Comparison) -> Interval:
    """The paired difference; without one, that of the means."""
    return one.difference or Interval(one.policy_mean.mean - one.base_mean.mean, math.nan, math.nan)
