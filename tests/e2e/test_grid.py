"""Two settings at once, in a real browser."""

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
