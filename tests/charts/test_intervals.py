import math

import pytest

from t2ialign.charts.intervals import error_bars, in_words, intervals_figure, number
from t2ialign.types import Interval


def test_numbers_in_words():
    assert [number(value) for value in (0.71234, 12.345, 1234.5, 0.00012, math.nan)] == [
        "0.712",
        "12.3",
        "1234",
        "0.00012",
        "not scored",
    ]
    assert (
        in_words(Interval(0.5, 0.4, 0.6)) == "0.5 (0.4 to 0.6)" and in_words(Interval(0.5, math.nan, math.nan)) == "0.5"
    )


def test_error_bars_are_lengths_not_bounds():
    bars = error_bars([Interval(1, 0.5, 3), Interval(1, math.nan, 2)], "#000000")
    assert (bars["array"], bars["arrayminus"]) == ([2, 0], [0.5, 0])


def test_rows_in_order(x_metric):
    chart = intervals_figure(
        {"spo": Interval(0.8, 0.7, 0.9), "x": Interval(math.nan, 0, 0), "base": Interval(0.5, 0.4, 0.6)}, x_metric
    )
    assert [trace.y[0] for trace in chart.data] == ["spo", "base"] and chart.layout.yaxis.autorange == "reversed"
    assert chart.data[0].error_x.array == pytest.approx([0.1])


def test_no_rows(x_metric):
    assert "No scores" in intervals_figure({}, x_metric).layout.annotations[0].text
