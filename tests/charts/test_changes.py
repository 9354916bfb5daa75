"""Differences drawn: what stands is full, and every row has its name."""

from __future__ import annotations

import math

from t2ialign.charts.changes import changes_figure, signed_words
from t2ialign.tradeoff.research import Change, Changes
from t2ialign.types import Interval


def test_rows_keep_their_order_and_what_stands_is_full() -> None:
    rows = (Change("a", Interval(-0.2, -0.3, -0.1), True), Change("b<i>", Interval(0.1, -0.1, 0.3), False))
    chart = changes_figure(Changes("factor_diversity", "change", (*rows, Change("c", Interval(math.nan, 0, 0), True))))
    full, hollow = chart.data
    assert (list(full.y), list(hollow.y)) == (["a"], ["b&lt;i&gt;"])
    assert (full.marker.symbol, hollow.marker.symbol) == ("circle", "circle-open")
    assert list(chart.layout.yaxis.categoryarray) == ["a", "b&lt;i&gt;"]
    assert list(full.error_x.array) == [0.1] and list(full.error_x.arrayminus) == [0.3 - 0.2]


def test_nothing_is_a_sentence() -> None:
    assert "No difference" in changes_figure(Changes("factor_diversity", "change", ())).layout.annotations[0].text
    assert signed_words(Interval(0.5, math.nan, math.nan)) == "+0.5"
