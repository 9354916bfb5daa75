"""The Theory page in a real browser: landscapes that follow the controls, and a run's pairs that move over them."""

import pytest
from playwright.sync_api import expect

from tests.e2e.pages import too_wide
from tests.e2e.training import RUN_SECONDS, fill_short, open_align, start, wait_for_end

pytestmark = pytest.mark.timeout(RUN_SECONDS + 300)
PLOT = "#t2-landscape-{name} .js-plotly-plot"


def open_theory(page) -> None:
    page.get_by_role("tab", name="Theory").click()
    page.locator("#t2-curve-f .js-plotly-plot").wait_for()
    page.locator("#t2-landscape-area").scroll_into_view_if_needed()
    for name in ("reverse_kl", "jensen_shannon"):
        page.locator(PLOT.format(name=name)).wait_for()


def data(page, name: str, script: str):
    """Something of a landscape's data: ``script`` sees its traces as ``data``."""
    return page.evaluate(f"(data => {script})(document.querySelector('{PLOT.format(name=name)}').data)")


def surface(page, name: str) -> str:
    return page.evaluate(expression(name))


def test_landscapes_follow_the_controls(open_page):
    page = open_page()
    open_theory(page)
    before = surface(page, "jensen_shannon")
    page.get_by_label("Match strength").click()
    expect(page.locator(".t2-divergence-title").filter(has_text="Jensen-Shannon")).to_contain_text("β = 4")
    page.wait_for_function(f"before => {expression('jensen_shannon')} !== before", arg=before)
    page.get_by_label("Forward KL").click()
    page.locator(PLOT.format(name="forward_kl")).wait_for()
    page.get_by_label("From above").click()
    page.wait_for_function(f"document.querySelector('{PLOT.format(name='reverse_kl')}').data[0].type === 'contour'")
    assert too_wide(page) <= 0


def expression(name: str) -> str:
    data_of = f"document.querySelector('{PLOT.format(name=name)}').data[0]"
    return f"({data_of}.z.bdata.slice(0, 100) + {data_of}.type)"  # numbers travel as Plotly's typed arrays


def test_pairs_of_a_real_run_move(open_page):
    page = open_page()
    open_align(page)
    if not page.locator(".t2-run.done").filter(has_text="f-divergence DPO").count():
        fill_short(page, "f_dpo", "for_theory")
        start(page)
        wait_for_end(page)
    open_theory(page)
    page.locator("#t2-run input").click()
    page.get_by_role("option").first.click()
    slider = page.locator(".t2-player input")
    slider.wait_for()
    cloud = "data.find(trace => trace.name === 'pairs')"
    page.wait_for_function(f"{trace('reverse_kl', 'pairs')}.x.length > 1")
    last = data(page, "reverse_kl", f"Array.from({cloud}.x)")
    slider.fill("0")
    page.wait_for_function(f"{trace('reverse_kl', 'pairs')}.x.length === 1")
    assert abs(data(page, "reverse_kl", f"{cloud}.x[0]")) < 1e-6  # X1 = 1 before the first step
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"{trace('reverse_kl', 'pairs')}.x.length === {len(last)}")


def trace(name: str, of: str) -> str:
    return f"document.querySelector('{PLOT.format(name=name)}').data.find(trace => trace.name === '{of}')"


def test_a_phone_is_wide_enough(open_page):
    page = open_page(width=360, height=780, has_touch=True)
    open_theory(page)
    assert too_wide(page) <= 0
