"""A study from idea to follow-up in a real browser: designed, looked at, answered by three at once, closed, learned from."""

import re
import secrets
import zipfile

import pytest
from playwright.sync_api import expect

from tests.e2e import studies
from tests.e2e.pages import generate, too_wide


def inner(page, name: str) -> None:
    page.locator("#t2-study-tabs").get_by_role("tab", name=name, exact=True).click()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("width", [1280, 360])
def test_from_idea_to_follow_up(open_page, app, browser, width: int, tmp_path):
    touch = width < 500
    owner = open_page("?tab=study", width=width, height=780, has_touch=touch)
    title = f"At <b>{width}</b> pixels"
    studies.new(owner, title)
    owner.locator("#t2-study-prepare").click()
    expect(owner.locator("#t2-study-status")).to_contain_text("4 of 4 batches")
    assert too_wide(owner) <= 0
    look_as_a_rater(open_page, owner)
    link = studies.publish(owner)
    assert link.startswith(f"{app}rate/") and owner.locator(".t2-qr svg").count() == 1
    raters = [rater(browser, width, touch) for _ in range(3)]
    raters[0].goto(link)
    expect(raters[0].locator("h1")).to_have_text(title)
    for page in raters:
        studies.begin(page, link)
        assert too_wide(page) <= 0
    for page in raters:
        studies.answer(page)
    raters[1].reload()
    raters[1].locator("#rate[data-ready]").wait_for()
    assert studies.progress(raters[1]) == "2 of 4"
    codes = {studies.finish(page) for page in raters}
    assert len(codes) == 3 and all(re.fullmatch("[0-9A-Z]{12}", code) for code in codes)
    inner(owner, "Results")
    expect(owner.locator(".t2-verdict")).to_contain_text("9 answers from 3 surveys")
    expect(owner.locator("#t2-study-rates .js-plotly-plot")).to_be_visible()
    assert too_wide(owner) <= 0
    end(owner, raters[0], link)
    export(owner, tmp_path)
    if not touch:
        learn(owner)
    for page in raters:
        page.context.close()


def rater(browser, width: int, touch: bool):
    page = browser.new_context(viewport={"width": width, "height": 740}, has_touch=touch).new_page()
    page.set_default_timeout(60_000)
    return page


def look_as_a_rater(open_page, owner) -> None:
    href = owner.get_by_role("link", name="Preview as a rater").get_attribute("href")
    page = owner.context.new_page()
    page.goto(owner.url.split("?")[0] + href)
    expect(page.get_by_text("A preview")).to_be_visible()
    page.close()


def end(owner, page, link: str) -> None:
    """The owner closes; whoever comes now is told."""
    inner(owner, "Invite")
    owner.locator("#t2-close").click()
    owner.locator("#t2-close-yes").click()
    expect(owner.locator(".t2-state.closed")).to_be_visible()
    page.evaluate("localStorage.clear()")
    page.goto(link)
    expect(page.locator("main")).to_contain_text("closed")


def export(owner, folder) -> None:
    inner(owner, "Results")
    owner.locator("#t2-study-export-csv").click()
    saved = owner.locator("#t2-study-file a[download], #t2-study-file a").first
    saved.wait_for()
    with owner.expect_download() as waiting:
        saved.click()
    waiting.value.save_as(folder / "votes.zip")
    assert len([name for name in zipfile.ZipFile(folder / "votes.zip").namelist() if name.endswith(".csv")]) == 3


def learn(owner) -> None:
    """A few steps on the votes, and the follow-up in two clicks."""
    inner(owner, "Train")
    owner.locator("#t2-study-train-steps input").fill("2")
    owner.locator("#t2-study-train-tests input").fill("1")
    owner.locator("#t2-study-train-name textarea, #t2-study-train-name input").first.fill(
        f"from-votes-{secrets.token_hex(2)}"
    )
    owner.locator("#t2-study-train").click()
    expect(owner.locator("#t2-training")).to_contain_text("done", timeout=400_000)
    owner.locator("#t2-follow").click()
    owner.locator("#t2-follow-yes").click()
    expect(owner.locator(".t2-study h2")).to_contain_text("from-votes")
    expect(owner.locator(".t2-state.open")).to_be_visible(timeout=200_000)


def test_a_thumb_on_explore_is_a_quick_vote(open_page):
    """What is said of a large picture arrives in the study of quick votes, marked as not blind."""
    page = open_page()
    generate(page, "a purple ring", seeds=2)
    page.locator("#t2-explore-sheet .t2-tile.ready").first.click()
    page.get_by_role("button", name="I like this picture", exact=True).click()
    page.keyboard.press("Escape")
    studies.open_studies(page)
    page.locator("#t2-study input").click()
    page.get_by_role("option", name="Quick votes from Explore").click()
    expect(page.locator(".t2-study h2")).to_have_text("Quick votes from Explore")
    inner(page, "Invite")
    expect(page.locator("#t2-invitation")).to_contain_text("not blind")
    inner(page, "Results")
    expect(page.locator(".t2-verdict")).to_contain_text("1 answer from 1 survey")


def test_an_arena_goes_on_and_tells(open_page, browser):
    """Nothing is told before the answer, then who made what; in the end where everybody stands."""
    owner = open_page("?tab=study", width=1366)
    studies.new(owner, "Arena", rounds=2)
    studies.arena(owner)
    link = studies.publish(owner)
    for width in (1366, 360):
        vote_by_keyboard(browser, link, width)


def vote_by_keyboard(browser, link: str, width: int) -> None:
    page = rater(browser, width, width < 500)
    page.goto(link)
    page.locator("#rate-agree").check()
    page.get_by_role("button", name="Start", exact=True).click()
    for pair in range(1, 5):
        page.locator("#rate[data-ready]").wait_for()
        assert studies.progress(page) == f"Pair {pair}"
        assert not any(name in page.content() for name in (">low<", ">high<"))
        page.keyboard.press("13"[pair % 2])
        expect(page.locator(".rate-made b")).to_have_count(2)
        assert sorted(page.locator(".rate-made b").all_inner_texts()) == ["high", "low"]
        assert too_wide(page) <= 0
        page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Thank you")
    expect(page.locator(".rate-board tbody tr")).to_have_count(2)
    assert too_wide(page) <= 0
    page.context.close()


def test_a_lost_connection_loses_no_answer(open_page, browser):
    """The server is out of reach while somebody answers: the page keeps the answer and says so, also over a reload."""
    owner = open_page("?tab=study")
    studies.new(owner, "Offline", rounds=2)
    link = studies.publish(owner)
    page = rater(browser, 1280, False)
    studies.begin(page, link)
    page.route("**/answer", lambda route: route.abort())
    page.keyboard.press("2")
    expect(page.locator("#rate-say")).to_contain_text("Not saved yet")
    page.unroute("**/answer")
    page.reload()
    page.locator("#rate[data-ready]").wait_for()
    assert studies.progress(page) == "2 of 3"
    page.keyboard.press("Backspace")
    expect(page.locator("#rate-bar span")).to_have_text("1 of 3")
    expect(page.locator(".rate-choose[aria-pressed=true]")).to_have_count(1)
    studies.finish(page, "1")
    page.context.close()


def test_a_limit_in_the_middle_of_a_survey_is_waited_for_and_loses_no_answer(open_page, browser):
    """The server is asked too often by all who share an address: for answers and for pictures, and on a phone."""
    owner = open_page("?tab=study")
    studies.new(owner, "Too often", rounds=2)
    link = studies.publish(owner)
    page = rater(browser, 390, True)
    studies.begin(page, link)
    said = "Your address may send 3 requests a minute: wait 9 seconds."
    page.route("**/answer", lambda route: route.fulfill(status=429, json={"error": said}))
    page.locator(".rate-choose").first.tap()
    expect(page.locator("#rate-say")).to_have_text(
        f"Not saved yet. {said} Trying again; your answer is kept on this device."
    )
    assert studies.progress(page) == "1 of 3" and too_wide(page) <= 0
    page.unroute("**/answer")
    expect(page.locator("#rate-bar span")).to_have_text("2 of 3")
    expect(page.locator("#rate-say")).to_be_empty()
    page.locator("#rate[data-ready]").wait_for()
    page.route("**/*.webp", lambda route: route.fulfill(status=429, json={"error": said}))
    page.reload()
    expect(page.locator(".rate-problem")).to_contain_text("could not be loaded")
    page.unroute("**/*.webp")
    page.locator("#rate[data-ready]").wait_for()
    expect(page.locator(".rate-problem")).to_have_count(0)
    assert studies.progress(page) == "2 of 3"
    page.context.close()
