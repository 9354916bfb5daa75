"""The band of the front, drawn under a chart and alone."""

from __future__ import annotations

import pytest

from t2ialign.charts.front_band import edge_figure, with_front_band
from t2ialign.charts.theme import figure
from t2ialign.metrics import METRICS
from t2ialign.tradeoff.front_band import edge, knee
from tests.tradeoff.tables import cells, config

X, Y = METRICS["oracle_alignment"], METRICS["factor_diversity"]
TABLE = cells(
    [config(scale=s) for s in (1.0, 2.0, 8.0)],
    {X.name: [[0.0] * 9, [0.6] * 9, [1.0] * 9], Y.name: [[1.0] * 9, [0.9] * 9, [0.0] * 9]},
)


def test_the_band_goes_there_and_back_and_the_knee_is_named() -> None:
    found = edge(TABLE, X, Y)
    chart = with_front_band(figure(), found, knee(TABLE, X, Y))
    band, line = chart.data
    assert len(band.x) == 2 * len(found.levels) and (line.y[0], line.y[-1]) == pytest.approx((1.0, 0.0))
    [note] = chart.layout.annotations
    assert note.text == "knee" and (note.x, note.y) == pytest.approx((0.6, 0.9))
    assert "base at CFG 2" in line.hovertext[5]


def test_alone_every_setting_is_named_once() -> None:
    notes = [note.text for note in edge_figure(edge(TABLE, X, Y)).layout.annotations]
    assert notes == ["base, CFG 1", "base, CFG 2", "base, CFG 8"]
    assert not with_front_band(figure(), None, None).data
