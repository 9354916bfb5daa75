"""The Theory page in a real browser: landscapes that follow the controls."""

from playwright.sync_api import expect

from tests.e2e.pages import LANDSCAPE, open_theory, too_wide


def surface(page, name: str) -> str:
    return page.evaluate(expression(name))


def test_landscapes_follow_the_controls(open_page):
    page = open_page("?tab=theory")
    open_theory(page)
    before = surface(page, "jensen_shannon")
    page.get_by_label("Match strength").click()
    expect(page.locator(".t2-divergence-title").filter(has_text="Jensen-Shannon")).to_contain_text("β = 4")
    page.wait_for_function(f"before => {expression('jensen_shannon')} !== before", arg=before)
    page.get_by_label("Forward KL").click()
    page.locator(LANDSCAPE.format(name="forward_kl")).wait_for()
    page.get_by_label("From above").click()
    page.wait_for_function(
        f"document.querySelector('{LANDSCAPE.format(name='reverse_kl')}').data[0].type === 'contour'"
    )
    assert too_wide(page) <= 0


def expression(name: str) -> str:
    data_of = f"document.querySelector('{LANDSCAPE.format(name=name)}').data[0]"
    return f"({data_of}.z.bdata.slice(0, 100) + {data_of}.type)"  # numbers travel as Plotly's typed arrays


def test_a_phone_is_wide_enough(open_page):
    page = open_page("?tab=theory", width=360, height=780, has_touch=True)
    open_theory(page)
    assert too_wide(page) <= 0
