"""The main flow in a real browser."""

import re

from playwright.sync_api import expect

from tests.e2e.pages import begin_long, click_point, fill, generate, sources


def test_a_prompt_becomes_pictures_numbers_and_a_point(open_page):
    page = open_page()
    expect(page.locator("#t2-explore-sheet")).to_contain_text("Your pictures appear here")
    fill(page, "a red ring and a green star", seeds=12)
    page.get_by_role("button", name="Generate", exact=True).click()
    page.locator(".t2-tile.taking-shape img").first.wait_for()
    expect(page.locator(".t2-progress")).to_have_attribute("aria-valuenow", re.compile(r"[1-9]"))
    expect(page.locator(".t2-tile.ready")).to_have_count(12)
    expect(page.locator(".t2-status.done")).to_contain_text("12 pictures in")
    expect(page.locator(".t2-number strong").first).to_have_text(re.compile(r"^\d\.\d\d$"))
    expect(page.locator(".t2-number .t2-words").first).not_to_be_empty()
    expect(page.locator(".t2-tile .t2-under b").first).to_have_text(re.compile(r"^\d\.\d\d$"))
    expect(page.locator("#t2-explore-chart")).to_contain_text("this prompt")
    loaded = page.locator(".t2-tile img").evaluate_all("all => all.every(p => p.complete && p.naturalWidth === 64)")
    assert loaded


def test_a_point_of_the_small_chart_opens_its_pictures(open_page):
    page = open_page()
    generate(page, "a green triangle", scale=2.5)
    click_point(page, page.locator("#t2-explore-chart .points path.point").last)
    expect(page.locator("#t2-explore-behind .t2-behind")).to_be_visible()
    expect(page.locator("#t2-explore-behind .t2-tile img").first).to_be_visible()


def test_a_link_brings_everything_back(open_page):
    page = open_page()
    generate(page, "a blue ring", seeds=5, scale=3)
    expect(page.locator("#t2-generate")).to_be_visible()
    before, numbers = sources(page), page.locator(".t2-big").all_text_contents()
    other = open_page(page.url.rpartition("/")[2])
    expect(other.locator(".t2-tile.ready")).to_have_count(5)
    expect(other.locator("#t2-prompt textarea")).to_have_value("a blue ring")
    expect(other.locator("#t2-seeds input[type=number]")).to_have_value("5")
    expect(other.locator("#t2-cfg input[type=number]")).to_have_value("3")
    assert sources(other) == before and other.locator(".t2-big").all_text_contents() == numbers


def test_what_is_stored_is_not_computed_again(open_page):
    page = open_page()
    generate(page, "a yellow cross")
    again = open_page()
    generate(again, "a yellow cross")
    expect(again.locator(".t2-status")).to_contain_text("from the store: nothing was computed")


def test_cancel_keeps_the_form_and_what_is_there(open_page):
    page = open_page()
    begin_long(page, "a white star")
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.locator(".t2-status.cancelled")).to_contain_text("Cancelled.")
    expect(page.get_by_role("button", name="Generate", exact=True)).to_be_visible()
    expect(page.locator("#t2-prompt textarea")).to_have_value("a white star")


def test_a_reload_finds_the_run_at_work(open_page):
    """The run is far too long to end meanwhile, so it is found at work on any machine; then it is cancelled."""
    page = open_page("?" + begin_long(open_page(), "a black square"))
    expect(page.locator(".t2-tile")).to_have_count(64)
    expect(page.locator(".t2-status.running")).to_be_visible()
    page.locator(".t2-tile.taking-shape").first.wait_for()
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.locator(".t2-status.cancelled")).to_be_visible()


def test_pressing_twice_starts_one_run(open_page):
    """On a server that takes its time, nothing but the button itself says that a click was heard."""
    page, asked = open_page(), []
    fill(page, "a black ring")
    page.route("**/queue/join*", lambda route: asked.append(route))  # nothing is let through yet
    button = page.locator("#t2-generate")
    button.dblclick(force=True)
    page.locator("#t2-prompt textarea").press("Enter")
    button.dispatch_event("click")
    expect(button).to_have_attribute("aria-busy", "true")
    page.unroute("**/queue/join*")  # lets go of what was held
    expect(page.locator(".t2-status.done")).to_contain_text("4 pictures in")
    expect(page.locator(".t2-notice.problem")).to_have_count(0)


def test_enter_generates_and_escape_cancels(open_page):
    page = open_page()
    fill(page, "an orange ring", seeds=64)
    page.locator("#t2-prompt textarea").press("Enter")
    expect(page.locator("#t2-cancel")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".t2-status.cancelled")).to_be_visible()


def test_a_tile_opens_large_and_the_arrows_turn_over(open_page):
    page = open_page()
    generate(page, "a purple circle")
    page.locator(".t2-tile.ready").nth(1).click()
    dialog = page.locator("dialog.t2-large[open]")
    expect(dialog.locator("h3")).to_have_text("Seed 1")
    expect(dialog).to_contain_text("alignment")
    page.keyboard.press("ArrowRight")
    expect(dialog.locator("h3")).to_have_text("Seed 2")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_a_number_explains_itself(open_page):
    page = open_page()
    generate(page, "a purple circle")
    page.locator(".t2-ask").first.click()
    expect(page.locator(".t2-card:popover-open")).to_contain_text("Higher is better")


def test_an_example_fills_the_prompt_box(open_page):
    page = open_page()
    page.locator(".t2-pill", has_text="spatial").click()
    chip = page.locator(".t2-chip-row:not([hidden]) .t2-chip").first
    wanted = chip.text_content()
    chip.click()
    expect(page.locator("#t2-prompt textarea")).to_have_value(wanted)
