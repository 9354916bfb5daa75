"""The two big numbers of each checkpoint, with intervals that move as seeds finish, in words a newcomer understands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from t2ialign.dashboard.shared.html import Look, explained, who
from t2ialign.dashboard.shared.words import counted, in_plain_words, interval_text, short
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


def headlines(lines: Sequence[Headline], alignment: Metric, diversity: Metric) -> str:
    """A card a checkpoint; the bars of one metric share one scale, so that cards can be compared by eye."""
    columns = ((alignment, [line.alignment for line in lines]), (diversity, [line.diversity for line in lines]))
    scales = {metric.name: scale(metric, intervals) for metric, intervals in columns}
    cards = "".join(_card(line, alignment, diversity, scales, len(lines) > 1) for line in lines)
    which = explained({"Alignment": alignment, "Diversity": diversity}, "headline")
    return f'<div class="t2-headlines" style="--cards:{len(lines)}">{cards}</div>{which}'


def scale(metric: Metric, intervals: Sequence[Interval]) -> tuple[float, float]:
    """Both ends of a metric's bar: its bounds, and where it has none what the values need, at least 0 to 1."""
    values = [
        value for interval in intervals for value in (interval.mean, interval.lo, interval.hi) if math.isfinite(value)
    ]
    lo = metric.bounds[0] if math.isfinite(metric.bounds[0]) else min([0.0, *values])
    hi = metric.bounds[1] if math.isfinite(metric.bounds[1]) else max([1.0, *values])
    return lo, hi


def _card(
    line: Headline, alignment: Metric, diversity: Metric, scales: dict[str, tuple[float, float]], named: bool
) -> str:
    title = f"<h3>{who(line.name, line.look)}</h3>" if named else ""
    numbers = "".join(
        _number(word, metric, interval, scales[metric.name])
        for word, metric, interval in (
            ("Alignment", alignment, line.alignment),
            ("Diversity", diversity, line.diversity),
        )
    )
    so_far = (
        f"{line.scored} of {counted(line.seeds, 'seed')}" if line.scored < line.seeds else counted(line.seeds, "seed")
    )
    return (
        f'<section class="t2-headline" style="{line.look.style}" aria-label="{escape(line.name)}, {so_far}">'
        f'{title}<div class="t2-numbers">{numbers}</div></section>'
    )


def _number(word: str, metric: Metric, interval: Interval, ends: tuple[float, float]) -> str:
    known = math.isfinite(interval.mean)
    text = short(interval.mean) if known else "–"
    likely = interval_text(interval)
    span = f'<span title="95 % interval over the seeds">{f"likely {likely}" if likely else ""}</span>'
    return (
        f'<div class="t2-number{"" if known else " unknown"}" data-metric="{metric.name}"><h4>{word}</h4>'
        f'<p class="t2-big"><strong>{text}</strong>{span}</p>'
        f'{_bar(interval, ends)}<p class="t2-words">{escape(in_plain_words(metric, interval.mean))}</p></div>'
    )


def _bar(interval: Interval, ends: tuple[float, float]) -> str:
    """A track from end to end with the interval as a band and the mean as a dot."""
    if not math.isfinite(interval.mean):
        return '<div class="t2-bar" aria-hidden="true"></div>'
    lo, hi = (interval.lo, interval.hi) if math.isfinite(interval.lo) else (interval.mean, interval.mean)
    left, middle, right = (_percent(value, ends) for value in (lo, interval.mean, hi))
    return (
        f'<div class="t2-bar" aria-hidden="true"><i style="left:{left:.1f}%;width:{right - left:.1f}%"></i>'
        f'<b style="left:{middle:.1f}%"></b></div>'
    )


def _percent(value: float, ends: tuple[float, float]) -> float:
    return 100 * min(max((value - ends[0]) / (ends[1] - ends[0]), 0.0), 1.0)
