"""Kinds counted and confidence said, from the design form's boxes to the results, by keyboard and by touch."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import studies
from tests.e2e.axe import findings
from tests.e2e.pages import too_wide


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_kinds_are_counted_in_both_sets_and_confidence_is_said(open_page, browser):
    owner = open_page("?tab=study", width=1366)
    studies.new(owner, "Backgrounds", rounds=2)
    of_backgrounds(owner)
    owner.locator("#t2-study-prepare").click()
    expect(owner.locator("#t2-study-status")).to_contain_text("4 of 4 batches")
    link = studies.publish(owner)
    for width in (1366, 390):
        context = browser.new_context(viewport={"width": width, "height": 768}, has_touch=width < 500, bypass_csp=True)
        page = context.new_page()
        learn(page, link)
        assert not findings(page) and too_wide(page) <= 0
        by_touch(page) if width < 500 else by_keyboard(page)
        context.close()
    owner.locator("#t2-study-tabs").get_by_role("tab", name="Results", exact=True).click()
    owner.get_by_role("button", name="How sure?").click()
    expect(owner.locator(".t2-tables").first).to_contain_text("Kinds counted in a set")
    expect(owner.locator(".t2-tables").first).to_contain_text("Preferred, by how sure")


def of_backgrounds(page: Page) -> None:
    """Makes what stands in the form a study of sets of two pictures, asked for their backgrounds with everything besides."""
    page.get_by_role("tab", name="What is compared").click()
    page.get_by_label("Sets of pictures").check()
    page.locator("#t2-design-next-0").click()
    page.get_by_label("Pictures a set").fill("2")
    page.locator("#t2-design-next-1").click()
    page.get_by_label("is varied (sets)").check()
    expect(page.locator("#t2-also")).to_be_hidden()
    page.locator("#t2-attribute input").click()
    page.get_by_role("option", name="background").click()
    expect(page.locator("#t2-also")).to_be_visible()
    page.get_by_label("how many kinds of it each set shows").check()
    page.get_by_label("how sure they are").check()


def learn(page: Page, link: str) -> None:
    """The example explains that one picture again and again is one kind."""
    page.set_default_timeout(60_000)
    page.goto(link)
    page.locator("#rate-agree").check()
    page.get_by_role("button", name="Start", exact=True).click()
    page.locator("#rate[data-ready=example]").wait_for()
    expect(page.get_by_role("button", name="Next")).to_be_disabled()
    for place in (1, 2):
        page.get_by_label(f"More: Kinds of background, set {place}").click()
    page.locator(".rate-choose").first.click()
    page.get_by_role("button", name="Guessing").click()
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".rate-answer")).to_contain_text("its count is 1")
    page.get_by_role("button", name="Begin", exact=True).click()
    page.locator("#rate[data-ready]:not([data-ready=example])").wait_for()


def by_keyboard(page: Page) -> None:
    """Digits count where a number has the focus and choose elsewhere; going back shows what was said."""
    page.keyboard.press("ArrowRight")
    page.keyboard.press("2")
    expect(page.locator(".rate-lacking")).to_have_text("Still to say: count of set 2, which set, how sure.")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("2")
    page.keyboard.press("7")
    expect(page.locator(".rate-lacking")).to_have_text("Everything is said.")
    page.locator("h1").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#rate-bar span")).to_have_text("2 of 3")
    page.locator("#rate[data-ready]").wait_for()
    page.keyboard.press("Backspace")
    expect(page.locator("#rate-bar span")).to_have_text("1 of 3")
    assert page.get_by_role("spinbutton").all_inner_texts() == ["2", "1"]
    expect(page.locator(".rate-choose").nth(1)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Sure", exact=True)).to_have_attribute("aria-pressed", "true")


def by_touch(page: Page) -> None:
    """Every button is large enough for a finger, and saying something moves nothing."""
    steps = page.locator(".rate-step")
    before = [step.bounding_box() for step in steps.all()]
    assert all(box and min(box["width"], box["height"]) >= 44 for box in before)
    for place in (1, 2):
        page.get_by_label(f"More: Kinds of background, set {place}").tap()
    page.locator(".rate-choose").first.tap()
    page.evaluate("scrollTo(0, 0)")
    assert [step.bounding_box() for step in steps.all()] == before
    page.get_by_role("button", name="Fairly sure").tap()
    page.get_by_role("button", name="Next").tap()
    expect(page.locator("#rate-bar span")).to_have_text("2 of 3")
