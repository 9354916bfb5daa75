"""The Trade-off page in a real browser."""

import csv
import os
import re

import pytest
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as TimedOut

from tests.e2e.pages import click_point, generate, open_tradeoff, point_at, too_wide

CHART = "#t2-tradeoff-chart"
SHOTS = os.environ.get("T2IALIGN_SHOT", "")  # where a picture of the opened charts goes, to be looked at


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


def choose_set(page: Page, title: str) -> None:
    page.locator("#t2-set input").click()
    page.get_by_role("option", name=re.compile(title)).click()


def test_trained_checkpoints_are_arrows_from_their_parents_on_one_set(tradeoff):
    labels = tradeoff.evaluate(LABELS)
    assert len(labels) > 11 and not any("CFG 7" in label for label in labels)
    assert {"<b>base</b> at CFG 4", "<b>base</b> at CFG 8", "<b>minimal_dpo</b> at CFG 4"} <= set(labels)
    arrows = tradeoff.evaluate(
        "document.querySelector('#t2-tradeoff-chart .js-plotly-plot').layout.annotations.filter((a) => a.showarrow).length"
    )
    lines = {label.split("</b>")[0] for label in labels}  # each has one arrow, whatever CFG values it has
    parents = {
        line.partition(", ")[2] for line in lines if "base" in line
    }  # the strategies that the base was drawn with
    trained = [line for line in lines if "base" not in line and "@" not in line]  # a weight is no training
    assert arrows == sum(line.partition(", ")[2] in parents for line in trained) > 30
    expect(tradeoff.locator("#t2-tradeoff-headline")).to_contain_text(re.compile("preferred in .* less varied"))


def test_more_charts_are_drawn_when_they_are_opened(tradeoff):
    more = tradeoff.locator("#t2-more")
    assert more.locator(".js-plotly-plot").count() == 0, "nothing is drawn before"
    more.get_by_text("More charts of this set").click()
    expect(tradeoff.locator("#t2-more-said")).to_contain_text("the most varied is", timeout=30_000)
    expect(more.locator(".js-plotly-plot")).to_be_visible()
    tradeoff.locator("#t2-more-kind input").click()
    tradeoff.get_by_role("option", name="Dose and response: CFG").click()
    expect(tradeoff.locator("#t2-more-said")).to_contain_text("Per doubling of CFG", timeout=30_000)
    with tradeoff.expect_download() as file:
        tradeoff.locator("#t2-more-csv").click()
    assert "slope of" in file.value.path().read_text(encoding="utf-8")
    if SHOTS:
        more.scroll_into_view_if_needed()
        tradeoff.screenshot(path=SHOTS)
    more.get_by_text("More charts of this set").click()


def test_a_plane_of_training_steps_is_chosen_and_its_address_opens_it(tradeoff):
    tradeoff.locator("#t2-more").get_by_text("More charts of this set").click()
    tradeoff.locator("#t2-more-kind input").click()
    tradeoff.get_by_role("option", name="as a plane").click()
    expect(tradeoff.locator("#t2-more-said")).to_contain_text("at weight", timeout=30_000)
    tradeoff.locator("#t2-more-plane input").click()
    tradeoff.get_by_role("option", name="CFG by training steps").first.click()
    said = tradeoff.locator("#t2-more-said")
    expect(said).to_contain_text("training steps", timeout=30_000)
    tradeoff.wait_for_function("location.search.includes('more=strength%3Asteps')")
    words, here = said.inner_text(), tradeoff.url
    tradeoff.goto(here)
    expect(said).to_have_text(words, timeout=60_000)
    expect(tradeoff.locator("#t2-more-plane input")).to_have_value(re.compile("CFG by training steps"))
    tradeoff.locator("#t2-more").get_by_text("More charts of this set").click()


def test_a_stray_prompt_is_shown_apart_and_becomes_a_set_with_one_click(tradeoff):
    choose_set(tradeoff, "Everything stored")
    tradeoff.wait_for_function(NEW)
    expect(tradeoff.locator("#t2-sentence")).to_contain_text("they are not compared")
    expect(tradeoff.locator(f"{CHART} .legend").filter(has_text="Pareto front")).to_have_count(0)
    offered = tradeoff.locator("#t2-make-set")
    expect(offered).to_contain_text(re.compile("Make a set of [0-9]+ more prompts?"))
    seeds = re.search(r"seeds ([^)]*)", offered.text_content())[1]
    offered.click()
    expect(tradeoff.locator("#t2-set input")).to_have_value(
        re.compile(f"seeds {seeds}|{seeds.removeprefix('own:')} seeds each")
    )
    expect(tradeoff.locator("#t2-sentence")).not_to_contain_text("not compared")
    assert 1 <= len(tradeoff.evaluate(LABELS)) < 11
    choose_set(tradeoff, "24 test prompts of coloured shapes, 8")
    tradeoff.wait_for_function(f"({LABELS})().length > 11")


def test_the_table_is_sorted_starred_and_hides(tradeoff):
    table = tradeoff.locator("#t2-run-table")
    rows = table.locator("tbody tr")
    names = "rows => rows.map(row => row.dataset.checkpoint)"
    table.get_by_role("button", name="Preferred").click()
    first = rows.evaluate_all(names)[0]
    table.get_by_role("button", name="Preferred").click()
    assert rows.evaluate_all(names)[0] != first
    table.get_by_role("button", name="Star minimal_kto", exact=True).click()
    expect(table.get_by_role("button", name="Star minimal_kto", exact=True)).to_have_attribute("aria-pressed", "true")
    scrolled = "() => document.querySelector('#t2-run-table .t2-runs').scrollTop"
    rows.filter(has_text="sunny_dpo").scroll_into_view_if_needed()
    down = tradeoff.evaluate(scrolled)
    assert down > 0
    note = table.get_by_label("Note on minimal_kto", exact=True)
    note.fill("400 steps")
    note.press("Enter")
    rows.filter(has_text="sunny_dpo").hover()
    rows.filter(has_text="sunny_dpo").locator(".t2-hide").click()
    expect(table.locator(".t2-show-run")).to_contain_text("sunny_dpo")
    tradeoff.wait_for_function(f"!({LABELS})().some((label) => label.includes('sunny_dpo'))")
    table.locator(".t2-show-run").click()
    expect(table.locator(".t2-hidden-runs")).to_have_count(0)
    expect(table.get_by_label("Note on minimal_kto", exact=True)).to_have_value("400 steps")


def test_two_ticked_runs_are_told_apart(tradeoff):
    for name in ("minimal_dpo", "minimal_kto"):
        tradeoff.get_by_label(f"Compare {name} at CFG 4", exact=True).check()
    expect(tradeoff.locator("#t2-differences")).to_contain_text("training.method")
    for name in ("minimal_dpo", "minimal_kto"):
        tradeoff.get_by_label(f"Compare {name} at CFG 4", exact=True).uncheck()
    expect(tradeoff.locator("#t2-differences table")).to_have_count(0)


def test_a_run_is_renamed_in_its_row(tradeoff):
    row = tradeoff.locator('#t2-run-table tr[data-checkpoint="minimal_dpo"]').first
    for title, shown in (("The quick one", "The quick one"), ("", "minimal_dpo")):
        row.hover()
        row.locator(".t2-rename").click()
        field = row.locator(".t2-new-name")
        field.fill("nothing of the kind")
        field.press("Escape")
        expect(field).to_have_count(0)
        row.locator(".t2-rename").click()
        row.locator(".t2-new-name").fill(title)
        row.locator(".t2-new-name").press("Enter")
        expect(row.locator(".t2-open-run")).to_have_text(shown)
        tradeoff.wait_for_function(f"title => ({LABELS})().some((label) => label.includes(title))", arg=shown)


def test_pictures_appear_beside_the_pointer(tradeoff):
    point_at(tradeoff, CHART, "base")
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
    before = tradeoff.evaluate(LABELS)
    tradeoff.locator("#t2-filter input").click()
    tradeoff.get_by_role("option", name="minimal_kto", exact=True).click()
    tradeoff.wait_for_function(f"({LABELS})().length === 1")
    tradeoff.keyboard.press("Escape")
    tradeoff.locator("#t2-filter .token button, #t2-filter .token [role=button]").first.click()
    tradeoff.wait_for_function(f"({LABELS})().length === {len(before)}")
    assert tradeoff.evaluate(LABELS) == before


def test_a_kind_of_prompts_leaves_every_point_on_those_prompts_alone(tradeoff):
    prompts = """() => document.querySelector('#t2-tradeoff-chart .js-plotly-plot').data.flatMap(
      (line) => [line.hovertext].flat().filter((words) => words?.startsWith('<b>base</b>')).map(
        (words) => words.match(/(\\d+) prompts?, /)[1]))"""  # others may be hollow: what tests trained has few prompts
    assert set(tradeoff.evaluate(prompts)) == {"24"}
    tradeoff.locator("#t2-categories input").click()
    tradeoff.get_by_role("option", name="single").click()
    tradeoff.wait_for_function(f"({prompts})().every((count) => count === '4')")
    tradeoff.keyboard.press("Escape")
    tradeoff.locator("#t2-categories .token button, #t2-categories .token [role=button]").first.click()
    tradeoff.wait_for_function(f"({prompts})().every((count) => count === '24')")
    assert set(tradeoff.evaluate(prompts)) == {"24"}


def test_the_chart_is_looked_at_from_a_point_and_by_kinds_of_prompts(open_page):
    page = open_page("?tab=tradeoff")
    page.locator(f"{CHART} .points path.point").first.wait_for()
    chart = f"document.querySelector('{CHART} .js-plotly-plot')"
    page.locator("#t2-against input").click()
    page.get_by_role("option", name="Change from base at CFG 4", exact=True).click()
    page.wait_for_function(f"{chart}.layout.xaxis.title.text.includes('Change of')")
    expect(page.locator("#t2-sentence")).to_contain_text("Every point less base at CFG 4")
    page.locator("#t2-split input").check()
    page.wait_for_function(f"{chart}.layout.meta.panels > 1 && {chart}.layout.grid.columns === 2")
    expect(page).to_have_url(re.compile("against=.*split=1"))
    phone = open_page(page.url[page.url.index("?") :], width=390, height=844)
    phone.wait_for_function(f"{chart}?.layout.grid?.columns === 1")
    assert too_wide(phone) == 0
    phone.locator("#t2-split input").uncheck()
    phone.wait_for_function(f"!{chart}.layout.grid")
    seen = f"{chart}.layout.annotations.filter((one) => one.visible !== false).map((one) => one.name)"
    phone.wait_for_function(f"{seen}.includes('narrow') && !{seen}.includes('wide')")


def test_the_front_has_a_band_that_is_explained(open_page):
    page = open_page("?tab=tradeoff&band=1&x=oracle_alignment")
    expect(page.locator("#t2-sentence")).to_contain_text("The dotted line is the best that is reached")
    expect(page.locator("#t2-sentence")).to_contain_text("The front bends most at")
    expect(page.locator(CHART)).to_contain_text("95 % band of the best")
    expect(page.locator(".t2-volumes tbody tr").first).to_contain_text("base")
    expect(page.locator(".t2-matches tbody tr")).not_to_have_count(0)


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
        assert download.value.suggested_filename == f"tradeoff-style_minimal-factor_diversity.{kind}"
        assert path.read_bytes().startswith(begins)
        if kind == "csv":
            assert {"base"} <= {row["checkpoint"] for row in csv.DictReader(path.open())}


def test_the_chart_is_a_picture_to_take_along(tradeoff):
    for kind, begins in {"png": b"\x89PNG", "svg": b"<svg"}.items():
        with tradeoff.expect_download() as download:
            tradeoff.locator(f"#t2-export-{kind}").click()
        assert download.value.suggested_filename == f"tradeoff.{kind}"
        assert download.value.path().read_bytes().startswith(begins)


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
    click_point(tradeoff, CHART, "minimal_kto")
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


def test_an_address_holds_axes_filter_and_point(tradeoff, open_page):
    tradeoff.get_by_role("tab", name="Trade-off").click()
    tradeoff.locator("#t2-y input").click()
    tradeoff.get_by_role("option", name=re.compile("LPIPS$")).click()
    tradeoff.locator("#t2-run-table").get_by_role("button", name="minimal_dpo", exact=True).click()
    expect(tradeoff.locator("#t2-tradeoff-point-details h3").first).to_contain_text("minimal_dpo")
    expect(tradeoff).to_have_url(re.compile("y=lpips.*point="))
    again = open_page(tradeoff.url[tradeoff.url.index("?") :])
    expect(again.locator("#t2-tradeoff-point-details h3").first).to_contain_text("minimal_dpo")
    expect(again.locator("#t2-y input")).to_have_value(re.compile("LPIPS$"))


def test_a_link_opens_the_tab_and_a_reload_stays_there(open_page):
    page = open_page("?tab=tradeoff")
    page.locator(f"{CHART} .points path.point").first.wait_for()
    page.reload()
    page.locator(f"{CHART} .points path.point").first.wait_for()
    expect(page).to_have_url(re.compile("tab=tradeoff"))
