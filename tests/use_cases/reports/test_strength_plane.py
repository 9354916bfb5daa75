"""The strength planes of what ships, from the store to their rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from t2ialign.metrics import METRICS
from t2ialign.store import Filters, cell_scores, list_benchmarks
from t2ialign.use_cases.align.run_doses import run_doses
from t2ialign.use_cases.reports.chart_query import ChartQuery
from t2ialign.use_cases.reports.more_charts import more_chart
from t2ialign.use_cases.workbench import open_workbench


@pytest.fixture(scope="module")
def asked(shipped_home):
    with open_workbench(shipped_home) as bench:
        filters = Filters(benchmarks=(list_benchmarks(bench.store)[0].key,))
        axes = METRICS["oracle_alignment"], METRICS["factor_diversity"]
        yield ChartQuery(bench.store, *axes, filters, lambda metric: "", runs=run_doses(bench.registry().checkpoints))


def key_of(found, start: str) -> str:
    return next(key for _, key in found.menu if key.startswith(start))


def test_the_shipped_run_has_a_plane_of_its_steps_in_the_menu(asked) -> None:
    found = more_chart(asked, "strength")
    assert found.drawn.dial.key == "weight" and found.part == found.menu[0][1], (
        "an address without a plane opens a weight's"
    )
    plane = more_chart(asked, "strength", key_of(found, "steps:minimal_dpo:")).drawn
    assert plane.title == "minimal_dpo, training seed 0" and plane.dial.name == "training steps"
    assert plane.rows == (0.0, 50.0, 150.0, 400.0) and {2.0, 3.0, 4.0, 6.0} <= set(plane.scales)
    label = next(label for label, key in found.menu if key == plane.key)
    assert label == "minimal_dpo, training seed 0: CFG by training steps (0, 50, 150, 400)"
    drawn = np.isfinite(np.array(plane.xs))
    four = plane.scales.index(4.0)
    assert drawn[:, four].all() and drawn[2].sum() == 4 and drawn[1].sum() == drawn[3].sum() == 1


def test_its_numbers_are_those_of_the_stored_cells(asked) -> None:
    found = more_chart(asked, "strength")
    found = more_chart(asked, "strength", key_of(found, "steps:minimal_dpo:"))
    plane, four = found.drawn, found.drawn.scales.index(4.0)
    for row, name in enumerate(("base", "minimal_dpo-step50", "minimal_dpo-step150", "minimal_dpo")):
        ((key,), x, y) = (table[row][four] for table in (plane.keys, plane.xs, plane.ys))
        rows = list(cell_scores(asked.opened, asked.x.name, asked.y.name, replace(asked.filters, configs=(key,))))
        assert {one.config.checkpoint for one in rows} == {name} and len(rows) == 2 * plane.prompts == 48
        for metric, value in ((asked.x, x), (asked.y, y)):
            assert np.mean([one.value.mean for one in rows if one.metric == metric.name]) == pytest.approx(value)
    rows = {(row.what, row.at): row.mean for row in found.rows}
    assert rows[asked.y.name, "CFG 4, 150 training steps"] == plane.ys[2][four]
    assert {row.of for row in found.rows} == {plane.title}


def test_the_sentence_says_the_best_and_what_else_there_is(asked) -> None:
    found = more_chart(asked, "strength", key_of(more_chart(asked, "strength"), "steps:minimal_dpo:"))
    level = float(np.median([one for row in found.drawn.xs for one in row if one == one]))
    scale, row, diversity = found.drawn.best(level, (True, True))
    assert f"of {level:.3g} or better the most varied is CFG {scale:g} at {row:g} training steps" in found.sentence
    assert f"with {diversity:.3g}" in found.sentence and "other planes are in the menu" in found.sentence
    gone = more_chart(asked, "strength", "rounds:nobody:12345678")
    assert gone.part == gone.menu[0][1] and "not on this set" in gone.sentence


def test_without_a_plane_a_sentence_says_how_one_is_made(asked) -> None:
    alone = replace(asked, filters=replace(asked.filters, checkpoints=("base",)))
    found = more_chart(alone, "strength", "steps:minimal_dpo:12345678")
    assert found.drawn is None and "--keep-steps" in found.sentence and found.menu == ()
