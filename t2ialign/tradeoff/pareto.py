"""The Pareto front of the trade-off chart and the area that it dominates."""

from __future__ import annotations

from collections.abc import Sequence

import moocore
import numpy as np

from t2ialign.types import TradeoffPoint

Up = tuple[bool, bool]
"""Whether more is better, on x and on y."""


def pareto_front(points: Sequence[TradeoffPoint], up: Up = (True, True)) -> list[TradeoffPoint]:
    """The points that no other point beats on both axes, from left to right; unknown values never count."""
    known = [point for point in points if np.isfinite([point.x.mean, point.y.mean]).all()]
    if not known:
        return []
    best = moocore.is_nondominated(_means(known), maximise=list(up), keep_weakly=True)
    return sorted((point for point, keep in zip(known, best, strict=True) if keep), key=lambda point: point.x.mean)


def hypervolume(points: Sequence[TradeoffPoint], reference: tuple[float, float], up: Up = (True, True)) -> float:
    """Area dominated by the points and bounded by ``reference``, a point worse than all of them on both axes.

    Only areas with the same reference compare, so it belongs to the metric pair (e.g. both lower bounds), not to the
    data.
    """
    known = [point for point in points if np.isfinite([point.x.mean, point.y.mean]).all()]
    if not known:
        return 0.0
    return float(moocore.hypervolume(_means(known), ref=list(reference), maximise=list(up)))


def _means(points: Sequence[TradeoffPoint]) -> np.ndarray:
    return np.array([[point.x.mean, point.y.mean] for point in points], dtype=float)
