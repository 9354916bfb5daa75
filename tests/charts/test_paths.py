import plotly.graph_objects as go
import pytest

from t2ialign.charts.paths import dial_paths
from t2ialign.charts.theme import styles
from t2ialign.charts.tradeoff import tradeoff_figure
from t2ialign.types import AdapterUse
from tests.charts.conftest import SPO, point

SWEEP = [point(0.5, 0.8, 1), point(0.7, 0.6, 4), point(0.9, 0.3, 8)]
WEIGHTS = [point(0.75, 0.5, 4, (AdapterUse("spo", 0.5),)), point(0.8, 0.4, 4, SPO)]
LOOK = styles(["base", "spo@0.5", "spo"])


def test_heads_stand_between_the_points_and_look_along_the_dial():
    (path,) = dial_paths([SWEEP], SWEEP, LOOK)
    assert path["x"] == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9])
    assert path["y"] == pytest.approx([0.8, 0.7, 0.6, 0.45, 0.3])
    assert [size > 0 for size in path["marker"]["size"]] == [False, True, False, True, False]
    assert path["marker"]["angleref"] == "previous" and path["mode"] == "markers"


def test_weights_are_a_dotted_path_from_the_base():
    paths = dial_paths([SWEEP, *([one] for one in WEIGHTS)], [*SWEEP, *WEIGHTS], LOOK)
    assert [path["x"][0] for path in paths] == [0.5, 0.7], "the dial begins where the base has the same CFG"
    assert paths[1]["line"]["dash"] == "dot" and paths[1]["x"][-1] == 0.8
    assert paths[1]["line"]["color"] == LOOK["spo"].color


def test_a_single_point_has_no_path():
    assert dial_paths([[SWEEP[0]]], [SWEEP[0]], LOOK) == []


def test_the_chart_has_them_where_no_pointer_meets_them(x_metric, y_metric):
    chart = tradeoff_figure([*SWEEP, *WEIGHTS], x_metric, y_metric, {WEIGHTS[1].config.key}, named=True)
    paths = [trace for trace in chart.data if trace.marker.angleref == "previous"]
    assert len(paths) == 2 and all(path.hoverinfo == "skip" and path.showlegend is False for path in paths)
    assert paths[0].opacity < 0.5 < paths[1].opacity, "a ringed point's dial does not fade"
    go.Figure(chart.to_dict())  # plotly's own check of every value
