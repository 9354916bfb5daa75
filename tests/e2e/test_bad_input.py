"""What people should not type, in a real browser: one sentence, and nothing is lost."""

import pytest
from playwright.sync_api import expect

from tests.e2e.pages import fill, generate


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [("   ", "The prompt is empty"), ("a red\x07ring", "control character")],
    ids=["empty", "control"],
)
def test_a_bad_prompt_is_one_sentence(open_page, prompt: str, sentence: str):
    page = open_page()
    fill(page, prompt, seeds=7, scale=2)
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text=sentence)).to_be_visible()
    expect(page.locator("#t2-prompt textarea")).to_have_value(prompt)
    expect(page.locator("#t2-seeds input[type=number]")).to_have_value("7")
    expect(page.get_by_role("button", name="Generate", exact=True)).to_be_visible()
    assert "run=" not in page.url


def test_an_endless_prompt_says_how_it_was_cut(open_page):
    page = open_page()
    generate(page, "a red ring and " * 700)
    expect(page.locator(".t2-notice.note")).to_contain_text("was left out")


def test_the_sentence_goes_when_the_prompt_is_mended(open_page):
    page = open_page()
    fill(page, "")
    page.locator("#t2-prompt textarea").press("Enter")
    page.get_by_role("alert").filter(has_text="The prompt is empty").wait_for()
    generate(page, "a small red ring")
    expect(page.get_by_role("alert").filter(has_text="The prompt is empty")).to_have_count(0)


def test_markup_and_templates_stay_text(open_page):
    page = open_page()
    prompt = "<img src=x onerror=\"document.title='broken'\"> ${1+1} {{7*7}} a ring"
    generate(page, prompt)
    point = page.locator("#t2-explore-chart .points path.point").last
    point.scroll_into_view_if_needed()
    expect(page).to_have_title("t2ialign")
    other = open_page(page.url.rpartition("/")[2])
    expect(other.locator("#t2-prompt textarea")).to_have_value(prompt)
    expect(other).to_have_title("t2ialign")


def test_an_unknown_checkpoint_is_answered_with_the_nearest(open_page):
    page = open_page()
    fill(page, "a ring")
    box = page.locator("#t2-checkpoints input")
    box.fill("bsae")
    box.press("Enter")
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="did you mean 'base'")).to_be_visible()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [("?run=<script>alert(1)</script>", "There is no run"), ("?cell=gone", "No pictures are stored")],
    ids=["run", "cell"],
)
def test_a_dead_link_says_so_and_the_page_works(open_page, query: str, sentence: str):
    page = open_page(query)
    expect(page.get_by_role("alert").filter(has_text=sentence)).to_be_visible()
    generate(page, "a big blue cross")
    expect(page.get_by_role("alert").filter(has_text=sentence)).to_have_count(0)
