import numpy as np

from t2ialign.charts.distribution import distribution_figure
from t2ialign.metrics import METRICS

METRIC = METRICS["mutual_information"]


def test_every_set_is_a_rising_line_to_all_of_its_pictures():
    chart = distribution_figure({"<b>": np.array([3.0, 1.0, 2.0]), "CFG 8": np.array([5.0])}, METRIC)
    first, second = chart.data
    assert (list(first.x), list(first.y), first.name) == ([1, 2, 3], [1 / 3, 2 / 3, 1], "&lt;b&gt;")
    assert list(second.y) == [1] and chart.layout.xaxis.type == "log"
    assert {"0.5", "10", "20", "500"} <= set(chart.layout.xaxis.ticktext)
    assert distribution_figure({"a": np.array([-1.0, 2.0])}, METRIC).layout.xaxis.type == "linear"


def test_nothing_yet_says_so():
    assert "No picture is scored" in distribution_figure({}, METRIC).layout.annotations[0].text
