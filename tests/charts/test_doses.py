"""Dose and response drawn: shares of the weakest dose, and the slope in the legend."""

from __future__ import annotations

import pytest

from t2ialign.charts.doses import doses_figure
from t2ialign.metrics import METRICS
from t2ialign.tradeoff.doses import PRESSURES, responses
from tests.tradeoff.tables import cells, config

NAME = "factor_diversity"


def test_lines_start_at_no_change() -> None:
    table = cells([config(scale=s) for s in (1.0, 2.0, 4.0)], {NAME: [[0.8, 0.8], [0.6, 0.6], [0.4, 0.4]]})
    chart = doses_figure(responses(table, METRICS[NAME], PRESSURES[0]))
    [line] = chart.data
    assert list(line.y) == pytest.approx([0, -0.25, -0.5]) and list(line.x) == [1, 2, 4]
    assert "−0.2 (−0.2 to −0.2) per doubling of CFG" in line.name and chart.layout.xaxis.type == "log"


def test_without_doses_a_sentence() -> None:
    assert "Three doses" in doses_figure(()).layout.annotations[0].text
