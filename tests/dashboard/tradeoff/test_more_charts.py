"""The charts beside the trade-off chart, as functions."""

from __future__ import annotations

from pathlib import Path

import pyarrow.csv
import pytest

from t2ialign.dashboard.tradeoff import more_charts
from t2ialign.dashboard.tradeoff.handlers import EVERYTHING
from t2ialign.store import add_benchmark, list_benchmarks, list_cells
from t2ialign.tradeoff.benchmark_set import BenchmarkSet

AXES = ("oracle_alignment", "factor_diversity", [], [])


@pytest.fixture
def chosen(stocked) -> tuple:
    """The controls with a set of all that is stored."""
    cells = {cell.prompt: cell.seeds for cell in list_cells(stocked.store)}
    add_benchmark(stocked.store, BenchmarkSet("all", tuple(cells.items())))
    return (list_benchmarks(stocked.store)[0].key, *AXES)


@pytest.mark.slow
def test_a_chart_is_drawn_with_its_sentence_or_says_what_it_needs(stocked, chosen):
    updates = more_charts.draw_more(stocked, "light", "edge", *chosen)
    assert "the most varied is" in updates["more_said"] and updates["more_plot"].data
    assert (
        "needs one adapter at two weights" in more_charts.draw_more(stocked, "dark", "strength", *chosen)["more_said"]
    )
    assert "benchmark set" in more_charts.draw_more(stocked, "light", "edge", EVERYTHING, *AXES)["more_said"]


@pytest.mark.slow
def test_its_numbers_and_itself_are_files(stocked, chosen):
    written = more_charts.export_more(stocked, ".csv", "light", ("edge", *chosen))
    table = pyarrow.csv.read_csv(written["file"]).to_pylist()
    assert written["problem"] == "" and {row["what"] for row in table} == {"factor_diversity"} and len(table) > 2
    page = Path(more_charts.export_more(stocked, ".html", "light", ("edge", *chosen))["file"]).read_text(
        encoding="utf-8"
    )
    assert page.count("plotly.js v") == 1 and "the most varied is" in page
    refused = more_charts.export_more(stocked, ".csv", "light", ("strength", *chosen))
    assert refused["file"] is None and "needs one adapter" in refused["problem"]
    assert "Open the chart first" in more_charts.export_more(stocked, ".csv", "light", None)["problem"]


@pytest.mark.slow
def test_a_file_is_of_the_chart_on_show(stocked, chosen):
    """Controls that were changed since the drawing count for the next drawing alone."""
    for kind in ("edge", "strength"):
        assert more_charts.draw_more(stocked, "light", kind, *chosen)["more_asked"] == (kind, *chosen)
