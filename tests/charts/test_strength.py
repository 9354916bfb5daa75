"""Two aligned heat maps, the contours of one on the other."""

from __future__ import annotations

import math

from t2ialign.charts.strength import strength_figure
from t2ialign.tradeoff.strength import StrengthPlane

XS, YS = ((0.1, 0.4), (0.2, math.nan)), ((0.9, 0.7), (0.8, 0.5))
PLANE = StrengthPlane("dpo<b>", "oracle_alignment", "factor_diversity", (1.0, 4.0), (0.0, 0.5), XS, YS, 24)


def test_each_map_has_its_numbers_and_the_others_contours() -> None:
    chart = strength_figure(PLANE)
    left, over, right, under = chart.data
    assert [list(row) for row in left.text] == [["0.10", "0.40"], ["0.20", ""]] and left.z[1][1] is None
    assert over.z == right.z and under.z == left.z and (left.xaxis, right.xaxis) == ("x", "x2")
    assert list(chart.layout.xaxis.ticktext) == ["1", "4"] and "dpo&lt;b&gt;" in chart.layout.yaxis.title.text


def test_both_maps_write_alike() -> None:
    first, second = strength_figure(PLANE).layout.xaxis, strength_figure(PLANE).layout.xaxis2
    assert first.title.font.size is not None and (first.tickfont, first.title.font) == (
        second.tickfont,
        second.title.font,
    )


def test_without_a_plane_a_sentence() -> None:
    assert "two weights" in strength_figure(None).layout.annotations[0].text
