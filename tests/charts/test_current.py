from t2ialign.charts.current import LABEL, add_current
from t2ialign.charts.tradeoff import tradeoff_figure
from tests.charts.conftest import SPO, point

SWEEP = [point(0.9, 0.3, 8), point(0.5, 0.8, 1)]


def test_current_batches_stand_beside_the_others(x_metric, y_metric):
    chart = tradeoff_figure(SWEEP, x_metric, y_metric)
    before = len(chart.data)
    add_current(chart, [point(0.7, 0.6, 4)], x_metric, y_metric)
    marker, ring = chart.data[before:]
    assert marker.customdata[0][0] == point(0.7, 0.6, 4).config.key and LABEL in chart.layout.annotations[-1].text
    assert LABEL in marker.hovertext and ring.hoverinfo == "skip"


def test_several_wear_their_own_colours_and_names(x_metric, y_metric):
    chart = tradeoff_figure(SWEEP, x_metric, y_metric)
    add_current(chart, [point(0.7, 0.6, 4), point(0.6, 0.5, 4, SPO)], x_metric, y_metric)
    first, second, _ = chart.data[-3:]
    assert first.marker.color != second.marker.color
    assert [note.text for note in chart.layout.annotations] == ["<b>base</b>", "<b>spo</b>"]


def test_names_of_rings_at_one_place_stand_apart(x_metric, y_metric):
    chart = tradeoff_figure(SWEEP, x_metric, y_metric)
    add_current(chart, [point(0.7, 0.6, 4), point(0.7, 0.6, 4, SPO)], x_metric, y_metric)
    first, second = chart.layout.annotations
    assert (first.xshift, first.yshift) != (second.xshift, second.yshift)


def test_unscored_batches_are_not_drawn(x_metric, y_metric):
    chart = tradeoff_figure(SWEEP, x_metric, y_metric)
    before = len(chart.data)
    assert add_current(chart, [point(float("nan"), 0.6, 4)], x_metric, y_metric) is chart and len(chart.data) == before
