"""The README's pictures of the page, light and dark, from a new store with the shipped results.

    PYTHONPATH=. python docs/pictures.py        # a few minutes; wants Chromium and playwright

WebP, because a palette of PNG's takes a chart's rare colours for others.
"""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.page import ROOT, serving
from tests.e2e.pages import fill, open_tradeoff

IMAGES = ROOT / "docs" / "images"
WIDTH, PATIENCE, SETTLE = 1366, 300_000, 3_000
QUALITY = 90
PROMPT = "a red circle and a blue square"
TRAINED = "minimal_dpo-step150"


def explore(page: Page) -> None:
    """Parent and child on the same seeds."""
    page.locator("#t2-explore-chart .js-plotly-plot").wait_for()
    if page.locator("#t2-explore-sheet .t2-tile").count() < 32:
        page.get_by_label("Checkpoints", exact=True).fill(TRAINED)
        page.get_by_role("option", name=TRAINED, exact=True).click()
        page.keyboard.press("Escape")
        fill(page, PROMPT, seeds=16)
        page.get_by_role("button", name="Generate", exact=True).click()
        page.wait_for_function("document.querySelectorAll('#t2-explore-sheet .t2-tile.ready').length === 32")
    page.locator(".t2-status.done").wait_for()


def tradeoff(page: Page) -> None:
    """One checkpoint opened: its arrow, its sentence, the pictures behind it."""
    open_tradeoff(page)
    page.locator("#t2-run-table tr", has_text=TRAINED).locator(".t2-open-run").click()
    page.locator("#t2-tradeoff-point-details .t2-tile img").first.wait_for()


def grid(page: Page) -> None:
    """Four guidance scales of two checkpoints."""
    page.get_by_role("tab", name="Grid", exact=True).click()
    if not page.locator(".t2-grid .t2-tile.ready").count():
        page.locator("#t2-grid-make").click()
    page.wait_for_function("document.querySelectorAll('.t2-grid .t2-tile.ready').length >= 16")


def sweep(page: Page) -> None:
    """The form with its price."""
    page.get_by_role("tab", name="Grid", exact=True).click()
    page.get_by_role("tab", name="Sweep", exact=True).click()
    page.locator("#t2-sweep-cost").get_by_text("cells").first.wait_for()


def study(page: Page) -> None:
    """The first of the three steps of a design."""
    page.get_by_role("tab", name="Study", exact=True).click()
    page.locator(".t2-contender").first.wait_for()


PICTURES: dict[str, tuple[Callable[[Page], None], int]] = {
    "explore": (explore, 900),
    "tradeoff": (tradeoff, 1180),
    "grid": (grid, 790),
    "sweep": (sweep, 860),
    "study": (study, 860),
}
"""By name who shows what, and how high the window is."""


def shoot(page: Page, name: str, dark: bool) -> None:
    """One picture, as a small file."""
    show, height = PICTURES[name]
    page.set_viewport_size({"width": WIDTH, "height": height})
    show(page)
    page.wait_for_timeout(SETTLE)
    page.evaluate("window.scrollTo(0, 0)")
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    file = IMAGES / f"{name}{'-dark' if dark else ''}.webp"
    shot.save(file, quality=QUALITY, method=6)
    sys.stdout.write(f"{file.name}: {file.stat().st_size / 1000:.0f} kB\n")
    sys.stdout.flush()


def main() -> None:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright, serving(ROOT) as app:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"), args=["--no-sandbox"]
        )
        for dark in (False, True):
            page = browser.new_page(color_scheme="dark" if dark else "light")
            page.set_default_timeout(PATIENCE)
            for name in PICTURES:
                page.goto(app.address)
                page.locator("#t2-reading .t2-notice").wait_for(state="detached")
                shoot(page, name, dark)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
