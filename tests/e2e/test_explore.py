"""The main flow in a real browser."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import opening
from tests.e2e.pages import begin_long, click_point, fill, generate, sources

PROMPT = "a purple circle and a green star"


@pytest.fixture(scope="module")
def shown(page) -> Page:
    """A page that shows a finished run of five seeds."""
    generate(page, PROMPT, seeds=5, scale=3)
    return page


def test_a_prompt_becomes_pictures_numbers_and_a_point(page):
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
    page.wait_for_function(
        "[...document.querySelectorAll('.t2-tile img')].every(p => p.complete && p.naturalWidth === 64)"
    )


def test_a_point_of_the_small_chart_opens_its_pictures(shown):
    click_point(shown, "#t2-explore-chart", "base")
    expect(shown.locator("#t2-explore-point-details .t2-point-details")).to_be_visible()
    expect(shown.locator("#t2-explore-point-details .t2-tile img").first).to_be_visible()


def test_a_tile_opens_large_and_the_arrows_turn_over(shown):
    shown.locator("#t2-explore-sheet .t2-tile.ready").nth(1).click()
    dialog = shown.locator("dialog.t2-large[open]")
    expect(dialog.locator("h3")).to_have_text("Seed 1")
    expect(dialog).to_contain_text("alignment")
    shown.keyboard.press("ArrowRight")
    expect(dialog.locator("h3")).to_have_text("Seed 2")
    shown.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_a_picture_tells_what_made_it_and_gives_it_back(shown, tmp_path):
    shown.locator("#t2-explore-sheet .t2-tile.ready").nth(2).click()
    dialog = shown.locator("dialog.t2-large[open]")
    expect(dialog.locator(".t2-common")).to_contain_text(PROMPT)
    with shown.expect_download() as file:
        dialog.get_by_text("Download PNG").click()
    file.value.save_as(tmp_path / "mine.png")
    dialog.get_by_text("Compare …").click()
    shown.keyboard.press("ArrowRight")
    dialog.get_by_text("Compare with the kept").click()
    two = shown.locator("dialog.t2-duo[open]")
    two.get_by_role("button", name="Difference").click()
    expect(two.locator(".t2-duo-names")).to_contain_text("seed 2")
    shown.keyboard.press("Escape")
    shown.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    fill(shown, "something else", scale=9)
    shown.locator("#t2-settings input[type=file]").set_input_files(tmp_path / "mine.png")
    expect(shown.locator("#t2-prompt textarea")).to_have_value(PROMPT)
    expect(shown.locator("#t2-cfg input[type=number]")).to_have_value("3")
    expect(shown.locator("#t2-first-seed input")).to_have_value("2")
    shown.locator("#t2-first-seed input").fill("0")
    shown.locator("#t2-seeds input[type=number]").fill("5")
    shown.locator("#t2-seeds input[type=number]").press("Tab")


def test_the_large_picture_shows_where_the_prompt_speaks(shown):
    tile = shown.locator("#t2-explore-sheet .t2-tile.ready").first
    tile.focus()
    shown.keyboard.press("Enter")
    dialog = shown.locator("dialog.t2-large[open]")
    dialog.get_by_role("button", name="Where the prompt speaks").click()
    expect(dialog.locator(".t2-legend")).to_be_visible()
    shown.wait_for_function("document.querySelector('dialog[open] .t2-map')?.naturalWidth > 1")
    shown.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_a_number_explains_itself(shown):
    shown.locator(".t2-ask").first.click()
    expect(shown.locator(".t2-card:popover-open")).to_contain_text("Higher is better")
    shown.keyboard.press("Escape")


def test_a_link_brings_everything_back(shown, open_page):
    before, numbers = sources(shown), shown.locator(".t2-big").all_text_contents()
    other = open_page(shown.url.rpartition("/")[2])
    expect(other.locator("#t2-explore-sheet .t2-tile.ready")).to_have_count(5)
    expect(other.locator("#t2-prompt textarea")).to_have_value(PROMPT)
    expect(other.locator("#t2-seeds input[type=number]")).to_have_value("5")
    expect(other.locator("#t2-cfg input[type=number]")).to_have_value("3")
    assert sources(other) == before and other.locator(".t2-big").all_text_contents() == numbers


def test_what_is_stored_is_not_computed_again(shown):
    shown.locator("#t2-generate").click()
    expect(shown.locator(".t2-status")).to_contain_text("from the store: nothing was computed")
    expect(shown.locator("#t2-explore-sheet .t2-tile.ready")).to_have_count(5)


def test_an_example_fills_the_prompt_box(shown):
    shown.locator(".t2-pill", has_text="spatial").click()
    chip = shown.locator(".t2-chip-row:not([hidden]) .t2-chip").first
    wanted = chip.text_content()
    chip.click()
    expect(shown.locator("#t2-prompt textarea")).to_have_value(wanted)


def test_another_tab_finds_the_run_at_work_and_cancels_it(open_page):
    """The run is far too long to end meanwhile, so a link finds it at work on any machine, and so does a reload."""
    page = open_page()
    link = begin_long(page, "a white star")
    page.close()
    other = open_page("?" + link)
    expect(other.locator(".t2-tile")).to_have_count(64)
    expect(other.locator(".t2-status.running")).to_be_visible()
    other.reload()
    other.locator(".t2-tile.taking-shape").first.wait_for()
    other.keyboard.press("Escape")
    expect(other.locator(".t2-status.cancelled")).to_contain_text("Cancelled.")
    expect(other.get_by_role("button", name="Generate", exact=True)).to_be_visible()
    expect(other.locator("#t2-prompt textarea")).to_have_value("a white star")


def test_pressing_twice_starts_one_run_and_the_button_cancels_it(open_page):
    """On a server that takes its time, nothing but the button itself says that a click was heard."""
    page, asked = open_page(), []
    fill(page, "a black ring", seeds=64)
    page.route("**/queue/join*", lambda route: asked.append(route))  # nothing is let through yet
    button = page.locator("#t2-generate")
    button.dblclick(force=True)
    page.locator("#t2-prompt textarea").press("Enter")
    button.dispatch_event("click")
    expect(button).to_have_attribute("aria-busy", "true")
    page.unroute("**/queue/join*")  # lets go of what was held
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.locator(".t2-status.cancelled")).to_contain_text("Cancelled.")
    expect(page.locator(".t2-notice.problem")).to_have_count(0)


@contextmanager
def before_the_first_view(browser, app: str, query: str) -> Iterator[tuple[Page, Callable[[], None]]]:
    """A page whose first view is held back, as by a slow server, and what lets it come."""
    late = []

    def first_view(route) -> None:
        is_first = '"query"' in (route.request.post_data or "") and not late
        late.append(route) if is_first else route.continue_()

    with opening(browser, app) as open_one:
        page = open_one("healthz")
        page.route("**/queue/join*", first_view)
        page.goto(app + query)
        with page.expect_request(lambda asked: '"query"' in (asked.post_data or "")):
            page.locator("#t2-generate").wait_for()
        yield page, lambda: late[0].continue_()


@pytest.mark.parametrize("by_link", [False, True], ids=["plain", "link"])
def test_a_click_before_the_first_view_is_kept_and_its_run_stays_on_show(browser, app, shown, by_link):
    old = shown.url.partition("?")[2]
    with before_the_first_view(browser, app, f"?{old}" if by_link else "") as (page, comes):
        fill(page, "a late grey star", seeds=3)
        page.get_by_role("button", name="Generate", exact=True).click()
        expect(page.locator("#t2-explore-sheet .t2-tile")).to_have_count(3)
        comes()
        expect(page.locator("#t2-explore-chart .js-plotly-plot")).to_be_visible()
        expect(page.locator(".t2-status.done")).to_be_visible()
        expect(page.locator("#t2-explore-sheet .t2-tile.ready")).to_have_count(3)
        expect(page.locator("#t2-prompt textarea")).to_have_value("a late grey star")
        assert "run=" in page.url and old not in page.url


def test_a_prompt_that_is_written_before_the_first_view_outlives_it(browser, app, shown):
    with before_the_first_view(browser, app, shown.url.rpartition("/")[2]) as (page, comes):
        page.locator("#t2-prompt textarea").fill("a late grey ring")
        comes()
        expect(page.locator("#t2-explore-sheet .t2-tile.ready")).to_have_count(5)
        expect(page.locator("#t2-prompt textarea")).to_have_value("a late grey ring")


def test_a_checkpoint_made_meanwhile_can_be_chosen(page, home):
    folder = home / "checkpoints" / "made-meanwhile"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text('{"kind": "lora", "backbone": "shapes"}')
    page.locator("#t2-checkpoints input").click()
    expect(page.get_by_role("option", name="made-meanwhile")).to_be_visible()
    page.keyboard.press("Escape")


def test_a_checkpoint_that_is_typed_brings_a_fitting_prompt_as_one_that_is_picked(open_page):
    page = open_page()
    page.locator("#t2-prompt textarea").fill("a red circle and a blue square")
    box = page.locator("#t2-checkpoints input")
    page.locator("#t2-checkpoints .token").first.locator("[role=button], button").first.click()
    box.fill("sd-1.5")
    box.press("Enter")
    expect(page.locator("#t2-prompt-set input")).to_have_value("Examples: everyday")
    expect(page.locator("#t2-prompt textarea")).not_to_have_value("a red circle and a blue square")


def test_a_batch_is_found_again_in_the_history(page, open_page):
    generate(page, "a small green ring")
    page = open_page()
    expect(page.locator("#t2-prompt textarea")).to_have_value(
        "a small green ring"
    )  # the last batch, at the plain address
    assert "run=" not in page.url
    page.locator("#t2-history > button").click()
    rows = page.locator(".t2-run-history li")
    rows.first.wait_for()
    page.get_by_placeholder("Words of the prompt, a checkpoint or a note").fill("small GREEN ring")
    expect(rows).to_have_count(1)
    expect(rows.locator("img")).to_have_count(4)
    rows.locator(".t2-star").click()
    expect(rows.locator(".t2-star")).to_have_attribute("aria-pressed", "true")
    rows.locator(".t2-forget").click()
    expect(rows).to_have_count(0)
    page.locator(".t2-recall").click()
    expect(rows).to_have_count(1)
    again = open_page(rows.locator("a").get_attribute("href"))
    expect(again.locator("#t2-prompt textarea")).to_have_value("a small green ring")
