"""Trade-off's handlers as functions."""

import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from t2ialign.dashboard.shared.point_details import strip_of
from t2ialign.dashboard.tradeoff import handlers

ALL = ("oracle_alignment", "factor_diversity", [], [])


def names(chart) -> list[str]:
    return [trace.name for trace in chart.data if trace.name]


def test_showing_the_tab_offers_what_is_scored(stocked):
    updates = handlers.show(stocked, "light", None, None, [], [], True, "")
    assert [name for _, name in updates["x"].choices] == ["clip_score", "oracle_alignment", "factor_diversity", "lpips"]
    assert (updates["x"].value, updates["y"].value) == ("oracle_alignment", "factor_diversity")
    assert [value for _, value in updates["categories"].choices] == ["color", "single"]
    assert names(updates["chart"]) == ["Pareto front", "base", "spo"]


def test_what_was_chosen_stays(stocked):
    updates = handlers.show(stocked, "light", "clip_score", "lpips", [], [], True, "")
    assert (updates["x"].value, updates["y"].value) == ("clip_score", "lpips")


def test_an_empty_store_says_what_to_do(services):
    updates = handlers.show(services, "light", None, None, [], [], True, "")
    assert "Generate" in updates["chart"].layout.annotations[0].text and updates["x"].value is None
    assert handlers.explain(services, *ALL) == {"sentence": ""}


def test_filters_do_not_change_colours(stocked):
    def color(checkpoints) -> str:
        chart = handlers.draw(stocked, "light", *ALL[:3], checkpoints, False, "")["chart"]
        return next(trace.line.color for trace in chart.data if trace.name == "spo")

    assert color([]) == color(["spo"])


def test_filters_that_leave_nothing_say_so(stocked):
    assert "loosen" in handlers.explain(stocked, *ALL[:2], ["color"], ["spo"])["sentence"]


def test_the_front_can_be_hidden_and_the_chosen_point_is_ringed(stocked, config):
    point = config("base", 4).key
    updates = handlers.draw(stocked, "light", *ALL, False, point)
    assert names(updates["chart"]) == ["base", "spo"] and len(updates["chart"].data[-1].x) == 1
    assert "point_details" not in updates


def test_a_point_that_the_filters_hide_is_no_longer_chosen(stocked, config):
    updates = handlers.draw(stocked, "light", *ALL[:2], [], ["spo"], False, config("base", 4).key)
    assert updates["point"] == "" and "Click a point" in updates["point_details"]


def test_the_axes_in_words(stocked):
    assert "3 points" in handlers.explain(stocked, *ALL[:3], ["base"])["sentence"]


def test_a_click_shows_the_prompts_under_the_filters(stocked, config):
    point = config("base", 4).key
    updates = handlers.click_point(stocked, {"point": point}, *ALL)
    assert updates["point"] == point and "2 prompts" in updates["point_details"]
    assert (
        "1 prompt, 4 pictures"
        in handlers.click_point(stocked, {"point": point}, *ALL[:2], ["color"], [])["point_details"]
    )
    assert handlers.click_point(stocked, {"point": "gone"}, *ALL)["point"] == ""


def test_the_points_stand_beside_the_chart_as_a_list(stocked, config):
    listed = handlers.draw(stocked, "light", *ALL, False, "")["point_details"]
    assert listed.count("<button") == 4 and f'data-point="{config("base", 8).key}"' in listed
    only = handlers.draw(stocked, "light", *ALL[:3], ["spo"], False, "")["point_details"]
    assert only.count("<button") == 1
    opened = handlers.choose_prompt(stocked, {"point": config("spo", 4).key, "cell": ""}, *ALL)
    assert opened["point"] == config("spo", 4).key and "All points" in opened["point_details"]
    assert handlers.choose_prompt(stocked, {"point": "", "cell": ""}, *ALL) == {"point_details": listed, "point": ""}


def test_an_adapters_point_says_what_it_changed_prompt_by_prompt(stocked, config):
    def details(checkpoint: str, *chosen) -> str:
        return handlers.click_point(stocked, {"point": config(checkpoint, 4).key}, *chosen)["point_details"]

    assert "Against the base, on the same seeds of 1 prompt: Oracle alignment <b>" in details("spo", *ALL)
    assert "Against the base" in details("spo", *ALL[:3], ["spo"])  # the filter hides the base's points, not its scores
    assert "Against" not in details("base", *ALL)


def test_pictures_beside_the_pointer(stocked, config):
    chosen = handlers.chosen_of(stocked, None, None)
    strip = strip_of(stocked, chosen, config("base", 4).key)
    assert len(strip) == 2 and all(address.endswith("/0.webp?small") for address in strip)
    assert strip_of(stocked, chosen, "gone") == []


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_exports_hold_the_points(stocked, suffix: str):
    updates = handlers.export(stocked, suffix, "light", True, *ALL)
    read = pyarrow.csv.read_csv if suffix == ".csv" else pq.read_table
    rows = read(updates["file"]).to_pylist()
    assert [(row["checkpoint"], row["guidance_scale"]) for row in rows] == [
        ("base", 1),
        ("base", 4),
        ("base", 8),
        ("spo", 4),
    ]
    assert updates["problem"] == ""


def test_the_exported_page_needs_no_network(stocked):
    with open(handlers.export(stocked, ".html", "dark", True, *ALL)["file"], encoding="utf-8") as file:
        page = file.read()
    assert "Oracle alignment against Factor diversity" in page and '<script src="http' not in page and len(page) > 10**6


def test_there_is_nothing_to_export_from_nothing(services):
    updates = handlers.export(services, ".csv", "light", True, *ALL)
    assert updates["file"] is None and "nothing to export" in updates["problem"]
