"""The Trade-off page in a real browser."""

import csv
import re

import pytest
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as TimedOut

from tests.e2e.pages import click_point, generate, open_tradeoff, point_at

CHART = "#t2-tradeoff-chart"


@pytest.fixture(scope="module")
def tradeoff(page) -> Page:
    """The page of a store that has the shipped runs and one batch of another guidance."""
    generate(page, "a red cross above a blue circle", scale=7)
    open_tradeoff(page)
    return page


LABELS = """() => document.querySelector('#t2-tradeoff-chart .js-plotly-plot').data.flatMap(
  (line) => [line.hovertext].flat().filter(Boolean).map((words) => words.split('<br>')[0]))"""
NEW = """() => document.querySelector('#t2-tradeoff-chart .js-plotly-plot')?.data.some(
  (line) => [line.hovertext].flat().some((words) => words?.includes('</b> at CFG 7<')))"""


def test_a_new_point_is_among_the_shipped_ones(tradeoff):
    tradeoff.wait_for_function(NEW)
    labels = tradeoff.evaluate(LABELS)
    assert labels.count("<b>base</b> at CFG 7") == 1 and len(labels) > 11
    assert {"<b>base</b> at CFG 4", "<b>minimal_dpo</b> at CFG 4"} <= set(labels)


def test_pictures_appear_beside_the_pointer(tradeoff):
    point_at(tradeoff, CHART, 0)
    expect(tradeoff.locator(".t2-strip:not([hidden]) img").first).to_be_visible()
    tradeoff.mouse.move(5, 5)
    expect(tradeoff.locator(".t2-strip:not([hidden])")).to_have_count(0)


def test_another_axis_draws_other_numbers(tradeoff):
    title = tradeoff.locator(f"{CHART} .ytitle")
    for metric in ("LPIPS", "Factor diversity"):
        tradeoff.locator("#t2-y input").click()
        tradeoff.get_by_role("option", name=re.compile(f"{metric}$")).click()
        expect(title).to_contain_text(metric)


def test_the_front_can_be_hidden(tradeoff):
    named = tradeoff.locator(f"{CHART} .legend").filter(has_text="Pareto front")
    expect(named).to_be_visible()
    tradeoff.get_by_label("Pareto front").click()
    expect(named).to_have_count(0)
    tradeoff.get_by_label("Pareto front").click()
    expect(named).to_be_visible()


def test_a_filter_leaves_points_out_and_brings_them_back(tradeoff):
    tradeoff.locator("#t2-categories input").click()
    tradeoff.get_by_role("option", name="single").click()
    tradeoff.wait_for_function(f"!({NEW})()")
    kept = tradeoff.evaluate(LABELS)
    assert "<b>base</b> at CFG 4" in kept and not any("at CFG 7" in label for label in kept)
    tradeoff.keyboard.press("Escape")
    tradeoff.locator("#t2-categories .token button, #t2-categories .token [role=button]").first.click()
    tradeoff.wait_for_function(NEW)
    assert set(tradeoff.evaluate(LABELS)) == {*kept, "<b>base</b> at CFG 7"}


def test_the_audit_tells_what_a_metric_is_worth(tradeoff):
    tradeoff.locator("#t2-truth > button").click()
    expect(tradeoff.locator(".t2-audit")).to_contain_text("Follows the true spread")
    expect(tradeoff.locator("#t2-heat .js-plotly-plot")).to_contain_text("follows the true spread")
    # A phone scrolls it; Gradio would cut it off.
    expect(tradeoff.locator("#t2-heat")).to_have_css("overflow-x", "auto")
    tradeoff.locator("#t2-truth > button").click()


def test_the_points_can_be_taken_along(tradeoff):
    for kind, begins in {"csv": b'"checkpoint"', "parquet": b"PAR1", "html": b"<!doctype html>"}.items():
        with tradeoff.expect_download() as download:
            tradeoff.locator(f"#t2-export-{kind}").click()
        path = download.value.path()
        assert download.value.suggested_filename == f"tradeoff-oracle_alignment-factor_diversity.{kind}"
        assert path.read_bytes().startswith(begins)
        if kind == "csv":
            assert {"base"} <= {row["checkpoint"] for row in csv.DictReader(path.open())}


def test_a_page_at_rest_asks_the_server_for_nothing(tradeoff):
    """Events that start each other would keep every open page, and the server, at work for ever."""
    with pytest.raises(TimedOut), tradeoff.expect_request("**/queue/join*", timeout=2000):
        pass


def test_points_are_reached_by_keyboard(tradeoff):
    behind = tradeoff.locator("#t2-tradeoff-point-details")
    rows = behind.locator("button.t2-cover")
    rows.first.focus()
    tradeoff.keyboard.press("Enter")
    expect(behind.locator(".t2-tile img").first).to_be_visible()
    behind.locator(".t2-back").focus()
    tradeoff.keyboard.press("Enter")
    expect(behind).to_contain_text("Behind every point are pictures")
    expect(rows.first).to_be_visible()


def test_a_click_leads_to_the_pictures_and_on_to_explore(tradeoff):
    click_point(tradeoff, CHART, 2)
    behind = tradeoff.locator("#t2-tradeoff-point-details")
    expect(behind.locator(".t2-back")).to_be_visible()
    expect(behind.locator(".t2-point-details")).to_contain_text("CFG")
    expect(behind.locator(".t2-tile img").first).to_be_visible()
    covers = behind.locator(".t2-cover:not(.head)")
    covers.last.click()
    expect(covers.last).to_have_attribute("aria-pressed", "true")
    prompt = behind.locator(".t2-prompt").text_content()
    behind.locator(".t2-open").click()
    expect(tradeoff).to_have_url(re.compile("cell="))
    expect(tradeoff.locator("#t2-prompt textarea")).to_have_value(prompt)
    tradeoff.locator("#t2-explore-sheet .t2-tile.ready").first.wait_for()


def test_a_link_opens_the_tab_and_a_reload_stays_there(open_page):
    page = open_page("?tab=tradeoff")
    page.locator(f"{CHART} .points path.point").first.wait_for()
    page.reload()
    page.locator(f"{CHART} .points path.point").first.wait_for()
    expect(page).to_have_url(re.compile("tab=tradeoff"))
