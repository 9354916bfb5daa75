"""The matrix of taus: a number where it can be asked, none on the diagonal."""

from __future__ import annotations

from t2ialign.charts.relations import relations_figure
from t2ialign.tradeoff.relations import over_checkpoints
from tests.tradeoff.tables import cells, config


def test_every_pair_has_its_number() -> None:
    rows = [[float(row)] * 3 for row in range(6)]
    table = cells([config(scale=s + 1.0) for s in range(6)], {"clip_score": rows, "lpips": rows[::-1]})
    [heat] = relations_figure(over_checkpoints(table)).data
    assert [list(row) for row in heat.text] == [["", "-1.00"], ["-1.00", ""]]
    assert "6 checkpoints" in heat.customdata[0][1][1] and heat.customdata[0][1][0] == "pair:clip_score:lpips"
    assert heat.customdata[0][0][0] == "", "nothing lies behind a metric with itself"


def test_too_few_are_a_sentence() -> None:
    table = cells([config()], {"clip_score": [[1.0]], "lpips": [[1.0]]})
    assert "needs 5 checkpoints" in relations_figure(over_checkpoints(table)).layout.annotations[0].text
