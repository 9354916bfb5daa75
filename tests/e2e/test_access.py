"""Nothing serious or critical by axe-core on any page, light or dark; the raters' page too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from playwright.sync_api import expect

from t2ialign import settings
from t2ialign.dashboard.page import TABS
from t2ialign.dashboard.rate.routes import rate_api, rate_routes
from t2ialign.store import open_store
from tests.dashboard import fakes
from tests.dashboard.studies import PICK, opened
from tests.e2e.axe import findings
from tests.e2e.pages import open_tradeoff
from tests.launching import free_port

THEMES = ("light", "dark")
THERE = {
    "explore": "#t2-explore-chart .js-plotly-plot",
    "grid": "#t2-grid-make",
    "tradeoff": "#t2-run-table tbody tr",
    "align": ".t2-method",
    "study": "#t2-study-body",
    "theory": ".t2-landscape .js-plotly-plot",
}
FOLDS = {"explore": ("#t2-advanced", "#t2-history"), "tradeoff": ("#t2-truth",), "align": ("#t2-command-fold",)}
BOTH = pytest.mark.parametrize("theme", THEMES)


def test_every_tab_is_open_to_all(open_page):
    """All rules in the one theme and contrast in the other; the next tab begins in that one."""
    page, dark, found = open_page(color_scheme="light", width=1366, height=900), False, {}
    for name, tab in TABS.items():
        page.get_by_role("tab", name=tab.TITLE, exact=True).click()
        page.locator(THERE[name]).first.wait_for()
        for fold in FOLDS.get(name, ()):
            page.locator(f"{fold} > button").click()
        page.wait_for_timeout(500)  # until what unfolds and fades in has its colours
        found[name] = findings(page)
        page.get_by_role("button", name="Light or dark").click()
        dark = not dark
        expect(page.locator("body.dark")).to_have_count(int(dark))
        page.wait_for_timeout(500)
        found[f"{name}, {'dark' if dark else 'light'}"] = findings(page, rules=("color-contrast",))
    assert not any(found.values()), "\n".join(f"{where}: {line}" for where, lines in found.items() for line in lines)


def test_an_opened_point_and_ticked_runs_are_too(open_page):
    page = open_page("?tab=tradeoff", width=390, height=780, has_touch=True)
    open_tradeoff(page)
    page.locator("#t2-tradeoff-point-details button.t2-cover").nth(1).click()
    page.locator("#t2-tradeoff-point-details .t2-tile img").first.wait_for()
    for row in range(2):
        page.locator(".t2-tick").nth(row).check()
    page.locator("#t2-differences table").wait_for()
    assert findings(page) == []


def test_what_is_wrong_is_found(open_page):
    page = open_page()
    page.evaluate("document.querySelector('#t2-prompt').insertAdjacentHTML('afterend', '<img src=data:,>')")
    assert any(one.startswith("critical image-alt") for one in findings(page))


@pytest.fixture
def invitation(browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The link of an open study, served without the rest of the page."""
    monkeypatch.setattr(settings, "CHECKPOINTS", fakes.write_registry(tmp_path / "checkpoints"))
    with open_store(tmp_path / "home") as store:
        study = opened(fakes.services_of(store), PICK)
        with gr.Blocks(analytics_enabled=False) as blocks:
            rate_api(store)
        where = {"server_name": "127.0.0.1", "server_port": free_port(), "app_kwargs": {"routes": rate_routes(store)}}
        _, address, _ = blocks.queue().launch(prevent_thread_lock=True, quiet=True, ssr_mode=False, **where)
        yield f"{address}rate/{study.id}"
        blocks.close(verbose=False)


@BOTH
def test_raters_are_kept_out_by_nothing(browser, invitation: str, theme: str):
    context = browser.new_context(color_scheme=theme, viewport={"width": 390, "height": 780}, has_touch=True)
    page = context.new_page()
    page.goto(invitation)
    page.locator("#rate-agree").wait_for()
    found = {"consent": findings(page)}
    page.locator("#rate-agree").check()
    page.get_by_role("button", name="Start", exact=True).click()
    page.locator("#rate[data-ready=example]").wait_for()
    found["example"] = findings(page)
    page.locator(".rate-choose").first.click()
    page.get_by_role("button", name="Begin", exact=True).click()
    page.locator("#rate[data-ready]:not([data-ready=example])").wait_for()
    found["round"] = findings(page)
    context.close()
    assert not any(found.values()), found
