"""What a person does on the page."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

LANDSCAPE = "#t2-landscape-{name} .js-plotly-plot"  # on Theory, of a divergence


def fill(page: Page, prompt: str, seeds: int = 4, scale: float = 4) -> None:
    page.locator("#t2-prompt textarea").fill(prompt)
    fold = page.locator("#t2-fold > button")  # on a phone
    if fold.is_visible() and "open" not in (fold.get_attribute("class") or "").split():
        fold.click()
    for name, value in (("#t2-seeds", seeds), ("#t2-cfg", scale)):
        box = page.locator(f"{name} input[type=number]")
        box.fill(str(value))
        box.press("Tab")


def generate(page: Page, prompt: str, seeds: int = 4, scale: float = 4) -> None:
    """Fills the form, presses Generate and waits until every picture is there."""
    fill(page, prompt, seeds, scale)
    before = page.url
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page).not_to_have_url(before)
    expect(page).to_have_url(re.compile("run="))
    expect(page.locator("#t2-explore-sheet .t2-tile")).to_have_count(seeds)
    expect(page.locator("#t2-explore-sheet .t2-tile.ready")).to_have_count(seeds)
    expect(page.locator(".t2-status.done")).to_be_visible()


def begin_long(page: Page, prompt: str) -> str:
    """Starts a run of 64 seeds and 100 steps, waits until a picture takes shape, and returns the run's link."""
    fill(page, prompt, seeds=64)
    if not page.locator("#t2-steps").is_visible():
        page.locator("#t2-advanced > button").click()
    steps = page.locator("#t2-steps input[type=number]")
    steps.fill("100")
    steps.press("Tab")
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page).to_have_url(re.compile("run="))
    page.locator(".t2-tile.taking-shape img").first.wait_for()
    return page.url.partition("?")[2]


def open_tradeoff(page: Page) -> Locator:
    """Switches to the Trade-off tab, waits until it has said what its chart says, and returns the chart's points."""
    page.get_by_role("tab", name="Trade-off").click()
    expect(page.locator("#t2-sentence")).to_contain_text("point")
    points = page.locator("#t2-tradeoff-chart .points path.point")
    points.first.wait_for()
    return points


def point_at(page: Page, chart: str, line: str) -> tuple[float, float]:
    """Rests the pointer on the first point of a chart's line until Plotly shows its card; returns where that is."""
    page.locator(f"{chart} .js-plotly-plot[data-heard]").wait_for()  # the page listens to the chart
    points = page.locator(f"{chart} .points path.point")
    points.first.wait_for()
    lines = points.evaluate_all("all => all.map(point => point.closest('.trace').__data__[0].trace.name)")
    points.nth(lines.index(line)).scroll_into_view_if_needed()
    box = points.nth(lines.index(line)).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 5, y - 5)
    page.mouse.move(x, y)
    page.locator(f"{chart} .hoverlayer .hovertext").first.wait_for()
    return x, y


def click_point(page: Page, chart: str, line: str) -> None:
    """Plotly wants the pointer to rest on a point before the click."""
    page.mouse.click(*point_at(page, chart, line))


def sources(page: Page, selector: str = "#t2-explore-sheet") -> list[str]:
    return page.locator(f"{selector} .t2-tile img").evaluate_all("pictures => pictures.map(p => p.getAttribute('src'))")


def too_wide(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def open_theory(page: Page) -> None:
    """Switches to the Theory tab and waits for its first curve and two landscapes."""
    page.get_by_role("tab", name="Theory").click()
    page.locator("#t2-curve-f .js-plotly-plot").wait_for()
    page.locator("#t2-landscape-area").scroll_into_view_if_needed()
    for name in ("reverse_kl", "jensen_shannon"):
        page.locator(LANDSCAPE.format(name=name)).wait_for()
