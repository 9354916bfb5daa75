"""What a study's owner and its raters do on their pages."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

PROMPTS = "color | a red circle and a blue square\ncolor | a green star and a white ring"
CONTENDERS = (("low", "1"), ("high", "6"))


def open_studies(page: Page) -> None:
    """Switches to the Study tab and waits until it has answered."""
    page.get_by_role("tab", name="Study", exact=True).click()
    page.locator("#t2-study-status").locator(".t2-empty, .t2-study").first.wait_for()


def design(page: Page, title: str, kind: str = "Pick one of two, or a tie", rounds: int = 3) -> None:
    """Goes through the three steps with a small study: two CFG values, two prompts, two seeds, a few steps."""
    rows = page.locator(".t2-contender")
    expect(rows).to_have_count(2)
    for row, (name, scale) in zip(rows.all(), CONTENDERS):
        row.get_by_label("Checkpoint").select_option("base")
        row.get_by_label("CFG").fill(scale)
        row.get_by_label("Name").fill(name)
    page.locator("#t2-design-next-0").click()
    page.locator("#t2-study-prompts textarea").fill(PROMPTS)
    page.locator("#t2-study-pictures button").first.click()
    page.locator("#t2-study-seeds textarea, #t2-study-seeds input").first.fill("0-1")
    page.locator("#t2-study-steps input").fill("6")
    page.locator("#t2-design-next-1").click()
    page.locator("#t2-study-title textarea, #t2-study-title input").first.fill(title)
    page.get_by_label(kind).check()
    page.get_by_label("Rounds a survey").fill(str(rounds))


def new(page: Page, title: str, rounds: int = 3) -> None:
    """A draft from the list of studies."""
    open_studies(page)
    page.locator("#t2-study-new").click()
    expect(page.locator("#t2-study-status")).to_contain_text("Ask people")
    design(page, title, rounds=rounds)


def arena(page: Page) -> None:
    """Makes what stands in the form an arena, in which one is asked what one likes."""
    page.get_by_role("tab", name="What is compared").click()
    page.get_by_label("Arena").check()
    for step in range(2):
        page.locator(f"#t2-design-next-{step}").click()
    expect(page.get_by_label("Attention checks")).to_have_value("0")
    expect(page.get_by_label("Pick one of two, or a tie")).to_be_checked()


def publish(page: Page) -> str:
    """Opens the study on show and returns its link."""
    page.locator("#t2-publish").click()
    page.locator("#t2-publish-yes").click()
    expect(page.locator(".t2-state.open")).to_be_visible()
    link = page.locator(".t2-address")
    expect(link).to_be_in_viewport()
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
