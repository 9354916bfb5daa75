"""Numbers as a newcomer reads them, and which metrics to show first."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

from t2ialign.charts.intervals import number
from t2ialign.metrics import METRICS
from t2ialign.types import Axis, Interval, Metric
from t2ialign.use_cases.measures import FIRST, first_metric

CONSENT = (
    "You take part of your own free will and can stop at any time. We store your answers, how long each took and the "
    "group you choose; not your name, address or device. At the end you get a code that withdraws your answers."
)
DIVERGENCE_TITLES = {
    "reverse_kl": "Reverse KL",
    "forward_kl": "Forward KL",
    "alpha": "α-divergence",
    "jensen_shannon": "Jensen-Shannon",
}


def default_metric(axis: Axis, scored: Collection[str]) -> Metric:
    """The best-known scored metric of an axis; before anything is scored, the best-known one there is."""
    return first_metric(axis, scored) or METRICS[FIRST[axis][0]]


def in_plain_words(metric: Metric, value: float) -> str:
    """What a value says, in one phrase without the number itself; empty where the metric has no such phrase."""
    if math.isnan(value):
        return ""
    return PHRASES[metric.name](value) if metric.name in PHRASES else ""


def short(value: float) -> str:
    """Two decimals, so that numbers in a row line up; three digits where two decimals would say nothing."""
    return f"{value:.2f}" if 0.095 <= abs(value) < 100 or value == 0 else number(value)


def interval_text(interval: Interval) -> str:
    """``0.66 to 0.75``; empty where it is unknown (a single picture)."""
    if math.isnan(interval.lo) or math.isnan(interval.hi):
        return ""
    return f"{short(interval.lo)} to {short(interval.hi)}"


def metric_range(metric: Metric) -> str:
    """``0 to 1, share of claims. Higher is better.``"""
    lo, hi = metric.bounds
    if math.isinf(lo):
        ends = "any number" if math.isinf(hi) else f"up to {number(hi)}"
    else:
        ends = f"{number(lo)} and up" if math.isinf(hi) else f"{number(lo)} to {number(hi)}"
    unit = f", {metric.unit}" if metric.unit else ""
    return f"{ends[:1].upper()}{ends[1:]}{unit}. {'Higher' if metric.higher_is_better else 'Lower'} is better."


def duration(seconds: float) -> str:
    """``3 s``, ``2 min``, ``1 h 20 min``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def counted(n: int, one: str, many: str = "") -> str:
    """``1 picture``, ``16 pictures``."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def _claims(share: float) -> str:
    if share > 0.985:
        return "practically everything the prompt says is there"
    if share < 0.015:
        return "practically nothing the prompt says is there"
    held, of = _simple_fraction(share)
    return f"about {held} of {of} claims of the prompt hold"


def _simple_fraction(share: float) -> tuple[int, int]:
    """The share with the smallest familiar denominator that is within 0.03 of it, neither 0 nor 1."""
    for of in (2, 3, 4, 5, 10):
        held = round(share * of)
        if 0 < held < of and abs(held / of - share) <= 0.03:
            return held, of
    return min(max(round(share * 20), 1), 19), 20


def _variety(ratio: float) -> str:
    if ratio > 0.985:
        return "as varied as unrelated scenes"
    if ratio < 0.015:
        return "practically the same picture every time"
    return f"{ratio:.0%} as varied as unrelated scenes"


PHRASES: dict[str, Callable[[float], str]] = {
    "oracle_alignment": _claims,
    "oracle_exact": lambda share: f"{share:.0%} of the pictures get everything right",
    "factor_diversity": _variety,
}


def waiting(ahead: int, seconds: float | None) -> str:
    """Where a run stands in the queue, and when its turn may come."""
    if not ahead:
        return "Starting."
    when = f", about {duration(seconds)} until it begins" if seconds is not None else ""
    return f"Waiting: {counted(ahead, 'run')} ahead of yours{when}."
