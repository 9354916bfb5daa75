"""The charts beside the trade-off chart, as functions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet
import pytest

from t2ialign.dashboard.tradeoff import more_charts
from t2ialign.dashboard.tradeoff.handlers import EVERYTHING
from t2ialign.store import add_benchmark, list_benchmarks, list_cells
from t2ialign.tradeoff.benchmark_set import BenchmarkSet, benchmark_set
from t2ialign.types import AdapterUse, Prompt
from tests.dashboard import fakes

AXES = ("oracle_alignment", "factor_diversity", [], [])


@pytest.fixture
def chosen(stocked) -> tuple:
    """The controls with a set of all that is stored."""
    cells = {cell.prompt: cell.seeds for cell in list_cells(stocked.store)}
    add_benchmark(stocked.store, BenchmarkSet("all", tuple(cells.items())))
    return (list_benchmarks(stocked.store)[0].key, *AXES)


@pytest.mark.slow
def test_a_chart_is_drawn_with_its_sentence_or_says_what_it_needs(stocked, chosen):
    updates = more_charts.draw_more(stocked, "light", "edge", "", "", *chosen)
    assert "the most varied is" in updates["more_said"] and updates["more_plot"].data
    assert (
        "needs one adapter at two weights"
        in more_charts.draw_more(stocked, "dark", "strength", "", "", *chosen)["more_said"]
    )
    assert "benchmark set" in more_charts.draw_more(stocked, "light", "edge", "", "", EVERYTHING, *AXES)["more_said"]


@pytest.mark.slow
def test_its_numbers_and_itself_are_files(stocked, chosen):
    written = more_charts.export_more(stocked, ".csv", "light", ("edge", "", *chosen))
    table = pyarrow.csv.read_csv(written["file"]).to_pylist()
    assert written["problem"] == "" and {row["what"] for row in table} == {"factor_diversity"} and len(table) > 2
    page = Path(more_charts.export_more(stocked, ".html", "light", ("edge", "", *chosen))["file"]).read_text(
        encoding="utf-8"
    )
    assert page.count("plotly.js v") == 1 and "the most varied is" in page
    refused = more_charts.export_more(stocked, ".csv", "light", ("strength", "", *chosen))
    assert refused["file"] is None and "needs one adapter" in refused["problem"]
    assert "Open the chart first" in more_charts.export_more(stocked, ".csv", "light", None)["problem"]


@pytest.mark.slow
def test_a_file_is_of_the_chart_on_show(stocked, chosen):
    """Controls that were changed since the drawing count for the next drawing alone."""
    for kind in ("edge", "strength"):
        assert more_charts.draw_more(stocked, "light", kind, "", "", *chosen)["more_asked"] == (kind, "", *chosen)


@pytest.mark.slow
def test_an_address_opens_its_chart_once_and_controls_redraw_it(stocked, chosen):
    """What the browser says in the address is taken where it is a chart's name, and only the first time."""
    arrived = more_charts.arrive_more({"query": "?tab=tradeoff&more=cfg"}, None)
    assert arrived["more_kind"] == "cfg" and arrived["more_open"] and arrived["more"].open
    named = more_charts.arrive_more({"query": "?more=prompts:clip_score:lpips"}, None)
    assert (named["more_kind"], named["pair"]) == ("prompts", "clip_score:lpips")
    for query, asked in (("?more=pie", None), ("?tab=tradeoff", None), ("?more=cfg", ("edge", "", *chosen))):
        assert more_charts.arrive_more({"query": query}, asked) == {}
    assert more_charts.follow_more(stocked, False, "light", "edge", "", "", *chosen) == {}
    drawn = more_charts.follow_more(stocked, True, "light", "edge", "", "", *chosen)
    assert drawn["more_plot"].data and json.loads(drawn["more_address"]) == {"more": "edge"}
    assert json.loads(more_charts.close_more()["more_address"]) == {"more": ""}


@pytest.fixture
def planed(services, config) -> tuple:
    """The controls of a set with two steps of two training seeds at two CFG values, and the base; nobody has a manifest."""
    prompts, seeds = (Prompt("a red circle"), Prompt("a blue star")), (0, 1, 2, 3)
    names = [f"{run}-step{steps}" for run in ("mine", "mine2") for steps in (50, 150)]
    drawn = [config("base", 4), *(with_name(config("base", scale), name) for name in names for scale in (2, 4))]
    fakes.add_scored(services.store, *(fakes.batch_of(prompt, one, seeds) for one in drawn for prompt in prompts))
    add_benchmark(services.store, benchmark_set("planes", prompts, seeds))
    return (list_benchmarks(services.store)[0].key, *AXES)


def with_name(config, name: str):
    return replace(config, adapters=(AdapterUse(name),))


def test_planes_are_chosen_in_a_menu_that_the_address_remembers(services, planed):
    first = more_charts.draw_more(services, "light", "strength", "", "", *planed)
    menu = first["more_plane"]
    assert menu.visible and [label.partition(":")[0] for label, _ in menu.choices][-2:] == ["mine", "mine2"]
    assert menu.value == menu.choices[0][1] and menu.value.startswith("weight:")
    key = menu.choices[-1][1]
    second = more_charts.draw_more(services, "dark", "strength", key, "", *planed)
    assert "Training steps" in second["more_plot"].layout.yaxis.title.text and "mine2" in second["more_said"]
    assert json.loads(second["more_address"]) == {"more": f"strength:{key}"}
    arrived = more_charts.arrive_more({"query": f"?more=strength:{key}"}, None)
    assert arrived["more_plane"].value == key and "pair" not in arrived
    old = more_charts.arrive_more({"query": "?more=strength"}, None)
    assert old["more_kind"] == "strength" and "more_plane" not in old
    edge = more_charts.draw_more(services, "light", "edge", key, "", *planed)
    assert edge["more_plane"].visible is False and json.loads(edge["more_address"]) == {"more": "edge"}
    written = more_charts.export_more(services, ".csv", "light", second["more_asked"])
    table = pyarrow.csv.read_csv(written["file"]).to_pylist()
    assert {row["of"] for row in table} == {"mine2"} and "CFG 2, 50 training steps" in {row["at"] for row in table}


def test_a_mark_of_several_configs_lists_their_points(services, planed):
    asked = ("strength", "", *planed)
    keys = [cell.config.key for cell in list_cells(services.store) if cell.config.checkpoint == "mine-step50"]
    said = more_charts.open_mark(services, {"mark": ":".join(["configs", *sorted({*keys})])}, "light", asked)
    assert said["point_details"].count("mine-step50") >= 2 and "mine2" not in said["point_details"]


@pytest.mark.slow
def test_a_mark_opens_what_lies_behind_it(stocked, chosen):
    asked = ("edge", "", *chosen)
    drawn = more_charts.draw_more(stocked, "light", "edge", "", "", *chosen)["more_plot"]
    keys = {row[0] for trace in drawn.data for row in (trace.customdata if trace.customdata is not None else ())}
    cell = list_cells(stocked.store)[0]
    assert keys <= {cell.config.key for cell in list_cells(stocked.store)} and keys

    def opened(mark: str):
        return more_charts.open_mark(stocked, {"mark": mark}, "light", asked)

    key = keys.pop()
    assert opened(key) == {"point": key}
    assert cell.prompt.text in opened(f"cell:{cell.config.key}:{cell.key}")["point_details"]
    listed = opened("checkpoint:base")["point_details"]
    assert "base" in listed and "t2-point" not in opened("checkpoint:nobody")["point_details"]
    for nonsense in ("", "pair:a", "tree:a:b", "cell:x"):
        assert opened(nonsense) == {}
    assert "choose one of those charts" in opened("pair:clip_score:lpips")["pair_said"]
    assert more_charts.open_mark(stocked, {"mark": key}, "light", None) == {}, "nothing is on show yet"


@pytest.mark.slow
def test_two_metrics_of_a_matrix_are_a_scatter_with_files_of_its_own(stocked, chosen):
    asked, pair = ("prompts", "", *chosen), "oracle_alignment:factor_diversity"
    shown = more_charts.open_mark(stocked, {"mark": f"pair:{pair}"}, "light", asked)
    [dots] = shown["pair_plot"].data
    assert shown["pair_block"].visible and len(dots.x) == len(dots.customdata) >= 1 and shown["pair"] == pair
    assert all(mark.startswith("cell:") for (mark,) in dots.customdata)
    assert json.loads(shown["more_address"]) == {"more": f"prompts:{pair}"}
    again = more_charts.draw_more(stocked, "light", "prompts", "", pair, *chosen)
    assert list(again["pair_plot"].data[0].x) == list(dots.x), "the address alone draws it too"
    written = more_charts.export_more(stocked, ".parquet", "light", asked, pair)
    table = pyarrow.parquet.read_table(written["file"]).to_pylist()
    assert [row["mean"] for row in table if row["what"] == "oracle_alignment"] == pytest.approx(list(dots.x))
    gone = more_charts.open_mark(stocked, {"mark": "pair:oracle_alignment:nothing"}, "light", asked)
    assert "no longer in the matrix" in gone["pair_said"] and gone["pair"] == ""
