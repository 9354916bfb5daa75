"""What a study's owner and its raters do on their pages."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

PROMPTS = "color | a red circle and a blue square\ncolor | a green star and a white ring"
CONTENDERS = "low | base | 1\nhigh | base | 6"


def open_studies(page: Page) -> None:
    """Switches to the Study tab and waits until it has answered."""
    page.get_by_role("tab", name="Study", exact=True).click()
    page.locator("#t2-study-status").locator(".t2-empty, .t2-study").first.wait_for()


def design(page: Page, title: str, kind: str = "Pick one of two, or a tie", rounds: int = 3) -> None:
    """Fills the form with a small study: two CFG values, two prompts, two seeds, a few steps."""
    page.locator("#t2-study-title textarea, #t2-study-title input").first.fill(title)
    page.get_by_label(kind).check()
    page.locator("#t2-contenders textarea").fill(CONTENDERS)
    page.locator("#t2-study-prompts textarea").fill(PROMPTS)
    page.get_by_label("Rounds a survey").fill(str(rounds))
    more = page.locator("#t2-study-body").get_by_role("button", name="More settings")
    more.click()
    page.locator("#t2-study-seeds textarea, #t2-study-seeds input").first.fill("0-1")
    page.locator("#t2-study-steps input").fill("6")


def publish(page: Page) -> str:
    """Opens the study on show and returns its link."""
    page.locator("#t2-publish").click()
    page.locator("#t2-publish-yes").click()
    expect(page.locator(".t2-state.open")).to_be_visible()
    page.locator("#t2-study-tabs").get_by_role("tab", name="Invite").click()
    link = page.locator(".t2-address")
    expect(link).to_be_visible()
    return link.get_attribute("href") or ""


def begin(page: Page, link: str) -> None:
    """Consents, and gets past the example."""
    page.goto(link)
    page.locator("#rate-agree").check()
    page.get_by_role("button", name="Start", exact=True).click()
    page.locator("#rate[data-ready=example]").wait_for()
    page.locator(".rate-choose").first.click()
    page.get_by_role("button", name="Begin", exact=True).click()
    page.locator("#rate[data-ready]:not([data-ready=example])").wait_for()


def progress(page: Page) -> str:
    return page.locator("#rate-bar span").inner_text()


def answer(page: Page, key: str = "1") -> None:
    """Answers the round on show with a key, and waits for what comes next."""
    before = page.locator("#rate").get_attribute("data-ready")
    page.locator(f'#rate[data-ready="{before}"]').wait_for()
    page.keyboard.press(key)
    expect(page.locator("#rate")).not_to_have_attribute("data-ready", re.compile(f"^{before}$"))


def finish(page: Page, key: str = "1") -> str:
    """Answers what is left and returns the withdraw code."""
    while not page.locator("#rate-own-code").count():
        page.locator("#rate[data-ready], #rate-own-code").first.wait_for()
        if page.locator("#rate-own-code").count():
            break
        answer(page, key)
        page.wait_for_timeout(50)
    return page.locator("#rate-own-code").inner_text()
