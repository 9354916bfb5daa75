"""What a person does on the Align page: a run so short that a test can wait for it."""

from __future__ import annotations

import re
import secrets

from playwright.sync_api import Locator, Page, expect

SHORT = {
    "#t2-train-steps": 10,
    "#t2-field-prompt_count": 3,
    "#t2-field-candidates": 4,
    "#t2-field-sampling_steps": 4,
    "#t2-field-probe_every": 5,
    "#t2-field-test_prompts": 2,
    "#t2-field-test_seeds": 2,
}
FOLDED = ("Pictures it learns from", "What is measured")
RUN_SECONDS = 420  # a busy machine is no failure


def open_align(page: Page) -> None:
    """The Align page with its first method chosen and priced."""
    page.get_by_role("tab", name="Align").click()
    expect(page.locator('.t2-method[aria-pressed="true"]')).to_have_count(1)
    expect(page.locator("#t2-cost")).to_contain_text("on this")


def fill_short(page: Page, method: str, **changes: int) -> str:
    """A method's form, filled for a run of seconds; the name is new, as a test's second try finds the first one's runs."""
    name = f"short_{secrets.token_hex(2)}"
    if not page.locator(".t2-haves").is_visible():
        page.get_by_role("button", name="New run").click()
    page.locator(f'[data-method="{method}"]').click()
    expect(page.locator(f'[data-method="{method}"]')).to_have_attribute("aria-pressed", "true")
    for title in FOLDED:
        button = page.get_by_role("button", name=title)
        if "open" not in (button.get_attribute("class") or "").split():
            button.click()
    page.locator("#t2-name textarea, #t2-name input").fill(name)
    for field, value in {**SHORT, **{f"#t2-{key}": value for key, value in changes.items()}}.items():
        box = page.locator(f"{field} input[type=number]").first
        box.fill(str(value))
        box.press("Tab")
    return name


def start(page: Page) -> str:
    """Presses Train and returns the job's id."""
    before = page.url
    page.locator("#t2-train").click()
    expect(page).not_to_have_url(before)
    expect(page).to_have_url(re.compile("job="))
    return page.url.partition("job=")[2].partition("&")[0]


def wait_for_end(page: Page) -> Locator:
    """The status line of the open run, once it says that it is done."""
    status = page.locator("#t2-run-status .t2-training")
    expect(status).to_have_class(re.compile("done|failed"), timeout=RUN_SECONDS * 1000)
    expect(status).to_contain_text("can be chosen everywhere")
    return status
