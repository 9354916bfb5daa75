"""The digits of a chart that somebody can see, which are all that is sent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from t2ialign.types import TradeoffPoint

FINEST = 5  # digits of the points' span: a hundredth of a pixel


def seen_digits(shown: Sequence[TradeoffPoint]) -> dict[str, int]:
    """How many digits of each axis can be seen, however far somebody zooms."""
    means = {"x": [point.x.mean for point in shown], "y": [point.y.mean for point in shown]}
    spans = {axis: max(known) - min(known) or abs(known[0]) or 1.0 for axis, known in means.items()}
    return {axis: FINEST - math.floor(math.log10(span)) for axis, span in spans.items()}


def as_seen(trace: dict[str, Any], digits: Mapping[str, int]) -> dict[str, Any]:
    """The trace without the digits that nobody sees; the words have theirs already."""
    for axis, last in digits.items():
        trace[axis] = tuple(round(value, last) for value in trace[axis])
        if bars := trace.get(f"error_{axis}"):
            up, down = (tuple(round(value, last) for value in bars[side]) for side in ("array", "arrayminus"))
            looks = {name: value for name, value in bars.items() if name != "arrayminus"}
            ends = {"symmetric": True} if up == down else {"symmetric": False, "arrayminus": down}
            trace[f"error_{axis}"] = {**looks, "array": up, **ends}
    return trace


def note_as_seen(note: dict[str, Any], digits: Mapping[str, int]) -> dict[str, Any]:
    """A note of the chart with its place rounded to the digits that its axes show."""
    return note | {place: round(note[place], digits[place[-1]]) for place in ("x", "y", "ax", "ay") if place in note}
