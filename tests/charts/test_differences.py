import json
from dataclasses import replace

import plotly.graph_objects as go
import pytest

from t2ialign.charts.differences import differences_figure
from t2ialign.charts.facets import facets_figure
from t2ialign.charts.tradeoff import EMPTY, tradeoff_figure
from t2ialign.names import setting_name
from t2ialign.tradeoff.differences import Differences
from t2ialign.types import AdapterUse
from tests.charts.conftest import SPO, point

REFERENCE = point(0.0, 0.0, 4)
SEEN = Differences(REFERENCE.config, (REFERENCE, point(0.2, -0.1, 4, SPO), point(0.1, -0.3, 8)))


def line(chart, name: str, panel: str = "x"):
    return next(trace for trace in chart.data if trace.name == name and (trace.xaxis or "x") == panel)


def test_the_axes_say_that_they_are_changes_and_zero_is_stressed(x_metric, y_metric):
    chart = differences_figure(SEEN, x_metric, y_metric, named=True)
    assert "Change of Faith" in chart.layout.xaxis.title.text and "Change of Variety" in chart.layout.yaxis.title.text
    assert chart.layout.xaxis.zeroline and chart.layout.yaxis.zeroline
    said = [note.text for note in chart.layout.annotations if note.yref == "paper"]
    assert said == ["Change from base at CFG 4<br>Bars: 95 % interval of the change"]
    assert line(chart, "spo").error_x.array == pytest.approx([0.2]), "the paired interval"
    assert "Change of Faith: 0.2" in line(chart, "spo").hovertext[0]
    assert chart.layout.uirevision != tradeoff_figure(SEEN.points, x_metric, y_metric).layout.uirevision
    go.Figure(json.loads(chart.to_json()))  # plotly's own check of every value


def test_without_bars_nothing_speaks_of_them(x_metric, y_metric):
    chart = differences_figure(SEEN, x_metric, y_metric, bars=False)
    assert set(line(chart, "spo").error_x.array) == {0.0}
    assert [note.text for note in chart.layout.annotations] == ["Change from base at CFG 4"]


def test_a_hostile_name_stays_a_name(x_metric, y_metric):
    config = replace(REFERENCE.config, adapters=(AdapterUse("<img src=x>"),))
    chart = differences_figure(Differences(config, SEEN.points), x_metric, y_metric)
    assert "<img" not in chart.to_json().replace("\\u003c", "<")
    assert setting_name(config, {"<img src=x>": "mine"}) == "mine at CFG 4"
    assert setting_name(replace(config, guidance="cads"), {"<img src=x>": "mine"}) == "mine with cads at CFG 4"


def test_nothing_shares_the_references_prompts(x_metric, y_metric):
    chart = differences_figure(Differences(REFERENCE.config, (), 3), x_metric, y_metric)
    assert chart.layout.annotations[0].text == EMPTY


def panels(x_metric, y_metric, kinds: int, points=SEEN.points):
    chart = tradeoff_figure(points, x_metric, y_metric, named=True)
    return facets_figure([(f"kind {n}", chart) for n in range(kinds)], keep={"base"})


def test_panels_have_axes_of_their_own_in_step_and_one_legend(x_metric, y_metric):
    chart = panels(x_metric, y_metric, 3)
    layout = chart.to_plotly_json()["layout"]
    assert (layout["grid"]["rows"], layout["grid"]["columns"], layout["meta"]["panels"]) == (2, 2, 3)
    assert layout["xaxis2"]["matches"] == layout["xaxis3"]["matches"] == "x" and "matches" not in layout["xaxis"]
    assert [layout[f"yaxis{n}"]["title"]["text"] != "" for n in ("", 2, 3)] == [True, False, True]
    assert [layout[f"xaxis{n}"]["title"]["text"] != "" for n in ("", 2, 3)] == [False, True, True]
    assert {trace.xaxis for trace in chart.data} == {"x", "x2", "x3"}
    fronts = [trace for trace in chart.data if trace.name == "Pareto front"]
    assert [trace.showlegend for trace in fronts] == [True, False, False]
    titles = [note["text"] for note in layout["annotations"] if "domain" in note["xref"]]
    assert titles == ["<b>kind 0</b>", "<b>kind 1</b>", "<b>kind 2</b>"]
    go.Figure(json.loads(chart.to_json()))


def test_a_crowded_panel_keeps_the_names_it_is_told(x_metric, y_metric):
    crowd = [point(0.1 * n, 0.5 + 0.3 * (n % 2), 4, (AdapterUse(f"a{n}"),)) for n in range(9)]

    def names(points) -> set[str]:
        notes = panels(x_metric, y_metric, 2, points).layout.annotations
        return {note.text for note in notes if note.xref in ("x", "x2") and note.visible is not False}

    assert names(SEEN.points) >= {"base", "spo"}
    assert names([*crowd, REFERENCE]) == {"base"}
