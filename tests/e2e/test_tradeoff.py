"""The Trade-off page in a real browser."""

import csv
import re

import pytest
from playwright.sync_api import expect

from tests.e2e.pages import click_point, generate, open_tradeoff


@pytest.fixture
def page(open_page):
    """The page of a store that has only the shipped runs, or what other tests have added to them."""
    return open_page()


def test_a_new_point_is_among_the_shipped_ones(page):
    generate(page, "a red cross above a blue circle", scale=7)
    open_tradeoff(page)
    expect(
        page.locator("#t2-tradeoff-chart .annotation-text, #t2-tradeoff-chart text").get_by_text("7", exact=True)
    ).to_be_visible()


def test_a_click_leads_to_the_pictures_and_on_to_explore(page):
    points = open_tradeoff(page)
    expect(page.locator("#t2-sentence")).to_contain_text("point")
    click_point(page, points.nth(points.count() - 1))
    behind = page.locator("#t2-tradeoff-behind")
    expect(behind.locator(".t2-behind")).to_contain_text("CFG")
    expect(behind.locator(".t2-tile img").first).to_be_visible()
    covers = behind.locator(".t2-cover")
    covers.last.click()
    expect(covers.last).to_have_attribute("aria-pressed", "true")
    prompt = behind.locator(".t2-prompt").text_content()
    behind.locator(".t2-open").click()
    expect(page).to_have_url(re.compile("cell="))
    expect(page.locator("#t2-prompt textarea")).to_have_value(prompt)
    page.locator("#t2-explore-sheet .t2-tile.ready").first.wait_for()


def test_pictures_appear_beside_the_pointer(page):
    points = open_tradeoff(page)
    box = points.first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 - 4, box["y"] + box["height"] / 2)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".t2-strip:not([hidden]) img").first).to_be_visible()
    page.mouse.move(5, 5)
    expect(page.locator(".t2-strip:not([hidden])")).to_have_count(0)


def test_another_axis_draws_other_numbers(page):
    open_tradeoff(page)
    page.locator("#t2-y input").click()
    page.get_by_role("option", name=re.compile("LPIPS")).click()
    expect(page.locator("#t2-tradeoff-chart .ytitle")).to_contain_text("LPIPS")


def test_the_front_can_be_hidden(page):
    open_tradeoff(page)
    named = page.locator("#t2-tradeoff-chart .legend").filter(has_text="Pareto front")
    expect(named).to_be_visible()
    page.get_by_label("Pareto front").click()
    expect(named).to_have_count(0)


def test_the_points_can_be_taken_along(page):
    open_tradeoff(page)
    for kind, begins in {"csv": b'"checkpoint"', "parquet": b"PAR1", "html": b"<!doctype html>"}.items():
        with page.expect_download() as download:
            page.locator(f"#t2-export-{kind}").click()
        path = download.value.path()
        assert download.value.suggested_filename == f"tradeoff-oracle_alignment-factor_diversity.{kind}"
        assert path.read_bytes().startswith(begins)
        if kind == "csv":
            assert {"base"} <= {row["checkpoint"] for row in csv.DictReader(path.open())}
