"""A sweep in a real browser: built, priced, watched, paused, reloaded, let go on, extended, opened as a grid, taken away."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.pages import too_wide

SHOTS = os.environ.get("T2IALIGN_SHOTS", "")


def shot(page: Page, name: str) -> None:
    """A screenshot for whoever wants to look (``T2IALIGN_SHOTS=folder``)."""
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def fill(page: Page, name: str, value: str) -> None:
    field = page.locator(f"#t2-sweep-{name}").locator("input, textarea").first
    field.fill(value)
    field.press("Tab")


def squares(page: Page, state: int):
    return page.locator(f"#t2-sweep-map .s{state}:is(button, i)")


@pytest.mark.flaky(reruns=0)  # the cells that it asks for are there after the first time
def test_a_sweep_from_the_form_to_the_grid(open_page, tmp_path):
    page = open_page("?tab=sweep", height=1000)
    expect(page.locator("#t2-sweep-cost")).to_contain_text("32 cells: 4 conditions on 8 prompts")
    shot(page, "sweep-1-form")
    fill(page, "texts", "a red circle\na blue square and a ring\na star")
    fill(page, "cfg", "1, 5")
    fill(page, "seeds", "own:8")
    fill(page, "steps", "8")
    fill(page, "title", "Two scales")
    expect(page.locator("#t2-sweep-cost")).to_contain_text("6 cells: 2 conditions on 3 prompts, 48 pictures")
    page.locator("#t2-sweep-start-it").click()
    expect(page.locator("#t2-sweep-status h3")).to_have_text("Two scales")
    expect(squares(page, 2).first).to_be_visible()
    shot(page, "sweep-2-running")
    page.locator("#t2-sweep-pause").click()
    expect(page.locator("#t2-sweep-status")).to_contain_text("Paused.")
    shot(page, "sweep-3-paused")
    page.reload()
    expect(page.locator("#t2-sweep-status")).to_contain_text("Paused.")
    page.locator("#t2-sweep-resume").click()
    expect(page.locator("#t2-sweep-status")).to_contain_text("6 of 6 cells finished", timeout=180_000)
    expect(squares(page, 3)).to_have_count(6)
    extend(page)
    click_and_find_again(page)
    open_as_grid(page, tmp_path)


def extend(page: Page) -> None:
    """One CFG value more: only its cells run."""
    page.locator("#t2-sweep-restore").click()
    expect(page.locator("#t2-sweep-title").locator("input, textarea").first).to_have_value("Two scales")
    fill(page, "cfg", "3")
    expect(page.locator("#t2-sweep-cost")).to_contain_text("9 cells, with 24 pictures more")
    page.locator("#t2-sweep-extend").click()
    expect(page.locator("#t2-sweep-status")).to_contain_text("9 of 9 cells finished", timeout=180_000)


def click_and_find_again(page: Page) -> None:
    """A cell's pictures; the list's star, note, search, delete and undo."""
    squares(page, 3).last.click()
    expect(page.locator("#t2-sweep-cell .t2-tile.ready")).to_have_count(8)
    shot(page, "sweep-4-cell")
    row = page.locator(".t2-sweeps li").first
    row.locator(".t2-star").click()
    expect(page.locator(".t2-sweeps .t2-star[aria-pressed=true]")).to_have_count(1)
    note = row.locator(".t2-run-note")
    note.fill("the first one")
    note.press("Tab")
    page.get_by_placeholder("Search titles").fill("no such words")
    expect(page.locator("#t2-sweeps")).to_contain_text("Nothing found")
    page.get_by_placeholder("Search titles").fill("first one")
    expect(page.locator(".t2-sweeps li")).to_have_count(1)
    page.locator(".t2-sweeps .t2-forget").click()
    page.locator(".t2-recall").click()
    expect(page.locator(".t2-sweeps li")).to_have_count(1)
    page.locator(".t2-sweep-show").click()
    page.set_viewport_size({"width": 360, "height": 780})
    assert too_wide(page) <= 0
    shot(page, "sweep-5-phone")
    page.set_viewport_size({"width": 1280, "height": 1000})


def open_as_grid(page: Page, tmp_path: Path) -> None:
    page.locator("#t2-sweep-status").get_by_text("Open as grid").click()
    expect(page.locator(".t2-grid .t2-tile.ready")).to_have_count(24)
    expect(page.locator("#t2-grid-prompt").locator("input, textarea").first).to_have_value("a red circle")
    shot(page, "sweep-6-grid")
    page.locator(".t2-grid .t2-tile.ready").first.click()
    expect(page.locator("dialog.t2-large[open]")).to_contain_text("CFG 1")
    page.keyboard.press("Escape")
    with page.expect_download() as file:
        page.locator("#t2-grid-html").click()
    file.value.save_as(tmp_path / "grid.html")
    assert (tmp_path / "grid.html").read_text().count("data:image/webp") == 24
