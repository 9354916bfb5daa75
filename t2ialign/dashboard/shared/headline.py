"""The two big numbers of each checkpoint, with intervals that move as seeds finish, in words a newcomer understands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from t2ialign.dashboard.shared.html import Look
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.words import in_plain_words
from t2ialign.metrics.scoring import FEWEST
from t2ialign.types import Interval, Metric

UNKNOWN = Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Headline:
    """One checkpoint's numbers so far, from ``scored`` of ``seeds`` pictures."""

    name: str
    look: Look
    alignment: Interval
    diversity: Interval
    scored: int
    seeds: int


@dataclass(frozen=True)
class HeadlineNumber:
    """One big number of a card: what it says in plain words, and where its bar begins, has its dot and ends, in percent.

    ``fewest`` are the pictures from which on its interval has ends, where this card has fewer, else 0.
    """

    word: str
    metric: Metric
    interval: Interval
    plainly: str
    bar: tuple[float, float, float]
    fewest: int


def headlines(lines: Sequence[Headline], alignment: Metric, diversity: Metric) -> Markup:
    """A card a checkpoint; the bars of one metric share one scale, so that cards can be compared by eye."""
    first = scale(alignment, [line.alignment for line in lines])
    second = scale(diversity, [line.diversity for line in lines])
    cards = [
        (
            line,
            _number("Alignment", alignment, line.alignment, first, line.scored),
            _number("Diversity", diversity, line.diversity, second, line.scored),
        )
        for line in lines
    ]
    return render("shared/headline.html", cards=cards, alignment=alignment, diversity=diversity)


def _number(word: str, metric: Metric, interval: Interval, ends: tuple[float, float], scored: int) -> HeadlineNumber:
    mean, lo, hi = interval.mean, interval.lo, interval.hi
    fewest = FEWEST[metric.level]
    begin, end = (lo, hi) if math.isfinite(lo) else (mean, mean)
    bar = (_percent(begin, ends), _percent(mean, ends), _percent(end, ends))
    return HeadlineNumber(word, metric, interval, in_plain_words(metric, mean), bar, fewest if scored < fewest else 0)


def _percent(value: float, ends: tuple[float, float]) -> float:
    return 100 * min(max((value - ends[0]) / (ends[1] - ends[0]), 0.0), 1.0)


def scale(metric: Metric, intervals: Sequence[Interval]) -> tuple[float, float]:
    """Both ends of a metric's bar: its bounds, and where it has none what the values need, at least 0 to 1.

    One end is never the other, not even of a number of kinds (from 1 on) while there is no value yet.
    """
    values = [
        value for interval in intervals for value in (interval.mean, interval.lo, interval.hi) if math.isfinite(value)
    ]
    lo, hi = metric.bounds
    if not math.isfinite(lo):
        lo = min([0.0, min(hi - 1.0, 0.0), *values])
    if not math.isfinite(hi):
        hi = max([1.0, lo + 1.0, *values])
    return lo, hi
