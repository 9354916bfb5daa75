"""Two and three settings at once, in a real browser."""

import json
import re
from urllib.parse import quote

from playwright.sync_api import expect

from tests.e2e.pages import too_wide


def test_a_grid_is_made_looked_at_and_taken_away(open_page, tmp_path):
    page = open_page("?tab=grid")
    values = page.locator("#t2-grid-x-values .token")
    expect(values).to_have_count(4)
    for left in (3, 2):
        page.locator("#t2-grid-x-values .token .token-remove").last.click()
        expect(values).to_have_count(left)
    count = page.locator("#t2-grid-seeds input[type=number]")
    count.fill("2")
    count.press("Tab")
    expect(page.locator("#t2-grid-cost")).to_contain_text("2 cells, 4 pictures")
    page.locator("#t2-grid-make").click()
    tiles = page.locator(".t2-grid .t2-tile.ready")
    expect(tiles).to_have_count(4)
    expect(page.locator("#t2-grid-progress .done")).to_be_visible()
    expect(page.locator(".t2-grid-scores").first).not_to_contain_text("–")
    tiles.first.click()
    dialog = page.locator("dialog.t2-large[open]")
    expect(dialog).to_contain_text("CFG 1")
    page.keyboard.press("ArrowRight")
    expect(dialog).to_contain_text("CFG 2")
    expect(dialog.get_by_text("Open in Explore")).to_have_attribute("href", "?cell=" + cell(tiles.last))
    page.keyboard.press("Escape")
    slide(page)
    with page.expect_download() as file:
        page.locator("#t2-grid-html").click()
    file.value.save_as(tmp_path / "grid.html")
    assert (tmp_path / "grid.html").read_text().count("data:image/webp") == 4
    again = open_page(page.url.rpartition("/")[2], width=390)
    expect(again.locator(".t2-grid .t2-tile.ready")).to_have_count(4)
    assert too_wide(again) <= 0
    found_in_the_history(open_page)


def test_pages_of_a_grid_are_turned(open_page, tmp_path):
    asked = {"x_values": ["1", "2"], "y": "", "y_values": [""], "seed_count": 2, "steps": 5}
    page = open_page(f"?tab=grid&grid={quote(json.dumps(asked))}")
    expect(page.locator("#t2-grid-x-values .token")).to_have_count(2)
    page.locator("#t2-grid-z input").click()
    page.get_by_role("option", name="Steps", exact=True).click()
    values = page.locator("#t2-grid-z-values .token")
    expect(values).to_have_count(3)
    values.last.locator(".token-remove").click()
    expect(page.locator("#t2-grid-cost")).to_contain_text("2 pages of 2 cells, 8 pictures")
    page.locator("#t2-grid-make").click()
    expect(page.locator("#t2-grid-progress")).to_contain_text("8 pictures.")
    tiles, table = page.locator(".t2-grid .t2-tile.ready"), page.locator("table.t2-grid")
    expect(tiles).to_have_count(4)
    page.locator(".t2-grid-slider select").select_option("c0")
    first = page.locator("#t2-grid-pages input").first
    first.focus()
    page.keyboard.press("ArrowRight")
    expect(table).to_have_attribute("data-page", "1")
    expect(page).to_have_url(re.compile("&leaf=2$"))
    expect(page.locator(".t2-grid .t2-over")).to_have_count(2)
    turned_while_large(page)
    with page.expect_request(lambda asked: "queue/join" in asked.url):  # a table that comes late is asked for again
        table.evaluate("one => { one.dataset.page = '0'; }")
    table.evaluate("one => { one.dataset.page = '1'; }")
    with page.expect_download() as file:
        page.locator("#t2-grid-png").click()
    assert file.value.suggested_filename == "grid-page-2.png"
    with page.expect_download() as file:
        page.locator("#t2-grid-html").click()
    file.value.save_as(tmp_path / "grid.html")
    assert (tmp_path / "grid.html").read_text().count("data:image/webp") == 8
    again = open_page(page.url.rpartition("/")[2], width=390)
    expect(again.locator("table.t2-grid")).to_have_attribute("data-page", "1")
    expect(again.locator("#t2-grid-pages input").last).to_be_checked()
    assert too_wide(again) <= 0
    again.locator("#t2-grid-pages label").first.click()
    expect(again.locator("table.t2-grid")).to_have_attribute("data-page", "0")
    expect(again).not_to_have_url(re.compile("leaf="))


def turned_while_large(page) -> None:
    """A large picture steps through the pages at its place."""
    page.locator(".t2-grid .t2-tile.ready").nth(3).click()
    dialog, name = page.locator("dialog.t2-large[open]"), page.locator("dialog.t2-large[open] .t2-who")
    expect(name).to_have_text("CFG 2, 10 steps")
    page.keyboard.press("PageUp")
    expect(name).to_have_text("CFG 2, 5 steps")
    expect(dialog.locator("h3")).to_have_text("Seed 1")
    dialog.locator(".t2-leaf-step").last.click()
    expect(name).to_have_text("CFG 2, 10 steps")
    expect(page).to_have_url(re.compile("&leaf=2$"))
    page.keyboard.press("Escape")


def slide(page) -> None:
    """One slider lays the pictures of a column over those of all others."""
    box = page.locator(".t2-grid-slider")
    box.locator("select").select_option("c0")
    expect(page.locator(".t2-grid .t2-over")).to_have_count(2)
    box.locator("input").fill("80")
    split = page.locator(".t2-grid .t2-over").first.evaluate("one => getComputedStyle(one).clipPath")
    assert "20%" in split
    box.locator("select").select_option("")
    expect(page.locator(".t2-grid .t2-over")).to_have_count(0)


def found_in_the_history(open_page) -> None:
    page = open_page()
    page.locator("#t2-history > button").click()
    search = page.get_by_placeholder("Words of the prompt, a checkpoint or a note")
    search.fill("no such words")  # until they are heard the list may be drawn anew, and a field in it goes away
    expect(page.locator("#t2-history-list")).to_contain_text("Nothing found")
    search.fill("checkpoint base")
    kept = page.locator(".t2-run-history li").filter(has_text="Grid: CFG 1, 2 by Checkpoint base")
    expect(kept.locator("img")).to_have_count(4)
    kept.locator(".t2-call").click()
    kept.locator(".t2-new-title").fill("Two scales of the base")
    kept.locator(".t2-new-title").press("Enter")
    expect(kept.locator("b")).to_have_text("Two scales of the base")
    kept.locator("a").click()
    expect(page.locator(".t2-grid .t2-tile.ready")).to_have_count(4)
    expect(page.locator("#t2-grid-x-values .token")).to_have_count(2)


def cell(tile) -> str:
    return tile.get_attribute("data-large").split("/")[1]
