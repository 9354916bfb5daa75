"""Phones, dark pages, keyboards: what a screenshot shows and a test can hold."""

import pytest
from playwright.sync_api import expect

from tests.e2e.pages import generate, open_tradeoff, too_wide


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_wider_than_the_window(open_page, width: int):
    page = open_page(width=width, height=780, has_touch=width < 500)
    assert too_wide(page) <= 0
    generate(page, "a red ring and a blue ring")
    assert too_wide(page) <= 0
    open_tradeoff(page)
    assert too_wide(page) <= 0


def ink(page) -> str:
    return page.locator("#t2-explore-chart .xtitle").evaluate("title => getComputedStyle(title).fill")


def test_dark_and_light(open_page):
    page = open_page(color_scheme="dark")
    expect(page.locator("body.dark")).to_have_count(1)
    page.wait_for_function("document.querySelector('#t2-explore-chart .xtitle')")
    dark = ink(page)
    page.get_by_role("button", name="Light or dark").click()
    expect(page.locator("body.dark")).to_have_count(0)
    page.wait_for_function(
        "dark => getComputedStyle(document.querySelector('#t2-explore-chart .xtitle')).fill !== dark", arg=dark
    )
    page.reload()
    page.locator("#t2-explore-chart .js-plotly-plot").wait_for()
    expect(page.locator("body.dark")).to_have_count(0)


def test_tiles_can_be_reached_by_keyboard(open_page):
    page = open_page()
    generate(page, "a purple circle")
    page.locator(".t2-tile.ready").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog.t2-large[open]")).to_be_visible()


def test_pictures_keep_their_place_while_they_take_shape(open_page):
    page = open_page()
    generate(page, "a purple circle", seeds=8)
    boxes = page.locator(".t2-picture").evaluate_all(
        "all => all.map(p => p.getBoundingClientRect()).map(b => [b.width, b.height])"
    )
    assert all(abs(width - height) < 1 for width, height in boxes)
