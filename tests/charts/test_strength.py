"""Two aligned heat maps, the contours of one on the other."""

from __future__ import annotations

import math
from dataclasses import replace

from t2ialign.charts import mark
from t2ialign.charts.strength import strength_figure
from t2ialign.tradeoff.strength import StrengthPlane
from t2ialign.tradeoff.training_dials import STEPS

XS, YS = ((0.1, 0.4, 0.5), (0.2, 0.3, math.nan)), ((0.9, 0.7, 0.5), (0.8, 0.6, 0.4))
PLANE = StrengthPlane("dpo<b>", "oracle_alignment", "factor_diversity", (1.0, 4.0, 8.0), (0.0, 0.5), XS, YS, 24)


def test_each_map_has_its_numbers_and_the_others_contours() -> None:
    chart = strength_figure(PLANE)
    left, over, right, under = chart.data
    assert [list(row) for row in left.text] == [["0.10", "0.40", "0.50"], ["0.20", "0.30", ""]] and left.z[1][2] is None
    assert over.z == right.z and (left.xaxis, right.xaxis) == ("x", "x2")
    assert [list(row) for row in under.z] == [[0.1, 0.4, None], [0.2, 0.3, None]], "the corner by itself has no contour"
    assert list(chart.layout.xaxis.ticktext) == ["1", "4", "8"] and "dpo&lt;b&gt;" in chart.layout.yaxis.title.text
    assert "Adapter weight" in chart.layout.yaxis.title.text


def test_a_click_opens_what_a_place_was_made_of_and_a_dial_has_its_words() -> None:
    keys = ((("a",), ("b", "c"), ()), ((), ("d",), ()))
    plane = replace(PLANE, dial=STEPS, rows=(0.0, 150.0), keys=keys, about="mean of 2 training seeds")
    chart = strength_figure(plane)
    said = [[tuple(place) for place in row] for row in chart.data[0].customdata]
    assert said[0][:2] == [("a", "CFG 1, 0 training steps"), ("configs:b:c", "CFG 4, 0 training steps")]
    assert said[1][:2] == [("", "CFG 1, 150 training steps"), ("d", "CFG 4, 150 training steps")]
    title = chart.layout.yaxis.title.text
    assert "Training steps" in title and "mean of 2 training seeds" in title
    assert list(chart.layout.yaxis.ticktext) == ["0", "150"]


def test_a_mark_of_several_configs_is_read_again() -> None:
    assert mark.read(mark.configs(("b", "c"))) == mark.Behind(mark.CONFIGS, ("b", "c"))
    assert mark.configs(("b",)) == "b" and mark.configs(()) == ""
    assert mark.read("configs:b") is None and mark.read("configs" + ":b" * 1000) is None


def test_places_that_stand_alone_have_no_contours() -> None:
    """A contour of one row or column would be a mark beside its numbers that says nothing."""
    plane = replace(
        PLANE, xs=((0.1, 0.4, 0.5), (math.nan, 0.3, math.nan)), ys=((0.9, 0.7, 0.5), (math.nan, 0.6, math.nan))
    )
    assert [one.type for one in strength_figure(plane).data] == ["heatmap", "heatmap"]


def test_both_maps_write_alike() -> None:
    first, second = strength_figure(PLANE).layout.xaxis, strength_figure(PLANE).layout.xaxis2
    assert first.title.font.size is not None and (first.tickfont, first.title.font) == (
        second.tickfont,
        second.title.font,
    )


def test_without_a_plane_a_sentence() -> None:
    assert "two weights" in strength_figure(None).layout.annotations[0].text
