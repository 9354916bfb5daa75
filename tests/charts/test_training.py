import math

import pytest

from t2ialign.charts.training import (
    POINTS,
    Curve,
    accuracy_figure,
    bands_figure,
    loss_figure,
    overlay_figure,
    probe_figure,
    smoothed,
    thinned,
)
from t2ialign.types import Interval, TrainStep
from tests.charts.conftest import metric


def record(step: int, loss: float = 0.6, accuracy: float = 0.5) -> TrainStep:
    win = tuple(0.1 * step * level for level in (-1, 0, 1, 2, 3))
    lose = tuple(-0.1 * step * level for level in (3, 2, 1, 0, -1))
    return TrainStep(step, loss, accuracy, (win, lose))


STEPS = [record(step, loss=1 / step) for step in range(1, 21)]


def test_loss_is_drawn_raw_and_smooth():
    raw, mean = loss_figure(STEPS, 20).data
    assert list(raw.x) == list(range(1, 21)) and raw.y[1] == 0.5
    assert mean.y[0] == raw.y[0] and max(mean.y) <= 1


@pytest.mark.parametrize("draw", [loss_figure, accuracy_figure, bands_figure])
@pytest.mark.parametrize("dark", [False, True])
def test_before_the_first_step_a_sentence_stands_there(draw, dark: bool):
    chart = draw([], 20, dark)
    assert not chart.data and chart.layout.annotations[0].text


def test_the_axis_reaches_to_the_last_step_from_the_start():
    assert loss_figure(STEPS[:3], 200).layout.xaxis.range == (0, 200)


def test_a_method_without_pairs_has_no_accuracy():
    assert not accuracy_figure([record(1, accuracy=math.nan)], 20).data
    assert not bands_figure([TrainStep(1, 0.6)], 20).data


def test_bands_hold_nine_of_ten_and_half():
    chart = bands_figure(STEPS, 20)
    median = next(line for line in chart.data if line.name == "winners")
    assert list(median.y) == pytest.approx([0.1 * step for step in range(1, 21)])
    wide, half = chart.data[3], chart.data[4]
    assert max(wide.y) == pytest.approx(0.1 * 20 * 3) and max(half.y) == pytest.approx(0.1 * 20 * 2)


def test_only_winners_are_drawn_where_only_they_are_known():
    chart = bands_figure([TrainStep(1, 0.6, log_ratio_quantiles=((0, 1, 2, 3, 4), ()))], 20)
    lines = {line.name: line for line in chart.data if line.name}
    assert list(lines["winners"].y) == [2] and len(lines["losers"].x) == 0


def test_a_probe_has_its_interval_and_a_line_where_it_began():
    points = [(0, Interval(0.5, 0.4, 0.6)), (50, Interval(0.7, math.nan, math.nan)), (100, Interval(0.8, 0.75, 0.9))]
    chart = probe_figure(points, metric("faith", "alignment"), 100)
    band, line = chart.data
    assert list(line.x) == [0, 50, 100] and list(band.x) == [0, 100, 100, 0]
    assert chart.layout.shapes[0].y0 == 0.5
    assert not probe_figure([(0, Interval(math.nan, math.nan, math.nan))], metric("faith", "alignment"), 9).data


def test_long_runs_are_thinned_and_keep_their_last_step():
    records = [record(step) for step in range(1, 2001)]
    assert len(thinned(records)) <= POINTS and thinned(records)[-1].step == 2000
    assert thinned(records[:5]) == records[:5]


def test_smoothing_by_hand():
    """20 values at a share of 0.1 remember 2 steps: weights 1/2, 1/4, ... normalised."""
    values = [4.0, 1.0] + [0.0] * 18
    smooth = smoothed(values, 0.1)
    assert smooth[0] == pytest.approx(4) and smooth[1] == pytest.approx((0.5 * 4 * 0.5 + 0.5 * 1) / 0.75)
    assert smoothed([3.0] * 5) == pytest.approx([3.0] * 5)


def test_runs_lie_over_each_other_each_in_its_colour():
    curves = [
        Curve("one<", "#112233", [(1, 0.5), (9, 0.7)]),
        Curve("two", "#445566", [(s, 1.0) for s in range(1, 301)]),
    ]
    chart = overlay_figure([*curves, Curve("empty", "#000000", [])], "Right order", percent=True)
    few, many = chart.data
    assert (few.name, few.line.color, list(few.y)) == ("one&lt;", "#112233", [0.5, 0.7])
    assert max(many.x) == 300 and len(many.x) <= POINTS and chart.layout.xaxis.range == (0, 300)
    assert "none of these runs" in overlay_figure([], "Loss").layout.annotations[0].text
