"""What people should not type, in a real browser: one sentence, and nothing is lost."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.pages import fill, generate


def refusal(page: Page, sentence: str) -> Locator:
    """Presses Generate and waits for the sentence; the button is there again, and no run has begun."""
    page.get_by_role("button", name="Generate", exact=True).click()
    said = page.get_by_role("alert").filter(has_text=sentence)
    expect(said).to_be_visible()
    expect(page.get_by_role("button", name="Generate", exact=True)).to_be_visible()
    expect(page.locator("#t2-generate")).not_to_have_attribute("aria-busy", "true")
    assert "run=" not in page.url
    return said


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [("   ", "The prompt is empty"), ("a red\x07ring", "control character"), ("x" * 20_001, "20001 characters")],
    ids=["empty", "control", "endless"],
)
def test_a_bad_prompt_is_one_sentence(page, prompt: str, sentence: str):
    fill(page, prompt, seeds=7, scale=2)
    refusal(page, sentence)
    expect(page.locator("#t2-prompt textarea")).to_have_value(prompt)
    expect(page.locator("#t2-seeds input[type=number]")).to_have_value("7")


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("#t2-cfg", "", "Guidance (CFG)"),
        ("#t2-seeds", "1", "seeds cannot be shown"),
        ("#t2-seeds", "1000000", "seeds cannot be shown"),
        ("#t2-first-seed", "-1", "The first seed is -1"),
        ("#t2-first-seed", "99999999999", "The first seed is"),
    ],
)
def test_a_bad_number_is_mended_or_one_sentence(page, field: str, value: str, sentence: str):
    """Some controls bring a number back into their range as soon as they are left; what they let through is refused."""
    fill(page, "a ring", seeds=4)
    page.locator("#t2-first-seed input").fill("0")
    box = page.locator(f"{field} input[type=number], input{field}").first
    box.fill(value)
    box.press("Tab")
    left = box.input_value()
    if left == value:
        refusal(page, sentence)
    else:
        assert float(box.get_attribute("min")) <= float(left) <= float(box.get_attribute("max"))
    page.locator("#t2-first-seed input").fill("0")


def test_an_unknown_checkpoint_is_answered_with_the_nearest(page):
    fill(page, "a ring")
    box = page.locator("#t2-checkpoints input")
    box.fill("bsae")
    box.press("Enter")
    refusal(page, "did you mean 'base'")
    page.keyboard.press("Escape")
    page.locator("#t2-checkpoints .token").filter(has_text="bsae").locator("[role=button], button").first.click()


def test_the_sentence_goes_when_the_prompt_is_mended(page):
    fill(page, "")
    said = refusal(page, "The prompt is empty")
    generate(page, "a small red ring")
    expect(said).to_have_count(0)


def test_an_endless_prompt_says_how_it_was_cut(page):
    generate(page, "a red ring and " * 700)
    expect(page.locator(".t2-notice.note").first).to_contain_text("was left out")


def test_markup_and_templates_stay_text(page, open_page):
    prompt = "<img src=x onerror=\"document.title='broken'\"> ${1+1} {{7*7}} a ring"
    generate(page, prompt)
    page.locator("#t2-explore-chart .points path.point").last.scroll_into_view_if_needed()
    expect(page).to_have_title("t2ialign")
    other = open_page(page.url.rpartition("/")[2])
    expect(other.locator("#t2-prompt textarea")).to_have_value(prompt)
    expect(other).to_have_title("t2ialign")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [("?run=<script>alert(1)</script>", "There is no run"), ("?cell=gone", "No pictures are stored")],
    ids=["run", "cell"],
)
def test_a_dead_link_says_so(open_page, query: str, sentence: str):
    page = open_page(query)
    expect(page.get_by_role("alert").filter(has_text=sentence)).to_be_visible()
    expect(page.locator("#t2-explore-sheet")).to_contain_text("Your pictures appear here")
