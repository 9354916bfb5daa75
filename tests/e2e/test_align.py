"""The Align page in a real browser: a run trained to its end, another one stopped and discarded."""

import re

import pytest
from playwright.sync_api import TimeoutError, expect

from tests.e2e.pages import LANDSCAPE, open_theory, too_wide
from tests.e2e.training import RUN_SECONDS, fill_short, open_align, start, wait_for_end

pytestmark = pytest.mark.timeout(RUN_SECONDS + 300)


def points_of(page, plot: str) -> int:
    """How many steps a chart of the run shows."""
    return page.evaluate(f"document.querySelector('#t2-curve-of-{plot} .js-plotly-plot').data[0]?.x?.length ?? 0")


def test_train_to_the_end_and_find_the_checkpoint(open_page):
    page = open_page("?tab=align")
    open_align(page)
    name = fill_short(page, "f_dpo")
    page.locator("#t2-look").click()
    expect(page.locator(".t2-pairs img.win").first).to_be_visible(timeout=120_000)
    page.get_by_role("button", name="Preview command").click()
    expect(page.locator("#t2-command")).to_contain_text(f"t2ialign align f_dpo --name {name} --steps 10")
    job = start(page)
    expect(page.locator("#t2-run-view")).to_be_visible()
    wait_for_end(page)
    assert points_of(page, "loss") == 10
    heads = page.locator(".t2-samples thead th")
    assert [text for text in heads.all_text_contents() if text] == ["before", "step 5", "step 10"]
    assert page.locator(".t2-samples img").count() == 3 * 16
    expect(page.locator("#t2-run-result")).to_contain_text("preferred to its parent's")
    expect(page.locator("#t2-run-point .legend")).to_contain_text(name)
    expect(page.locator(f'.t2-run[data-job="{job}"]')).to_contain_text("done")

    chart = open_page(page.get_by_role("link", name="See it on Trade-off").get_attribute("href"))
    expect(chart.locator("#t2-tradeoff-headline")).to_contain_text(f"{name} at CFG 4 beside base")
    expect(chart.locator("#t2-run-table tr.picked")).to_contain_text(name)
    expect(chart.locator("#t2-tradeoff-point-details")).to_contain_text("Against base")
    again = open_page(f"?job={job}")
    expect(again.locator("#t2-run-status .done")).to_be_visible()
    again.get_by_role("link", name="Try it on Explore").click()
    expect(again).to_have_url(re.compile("cell="))
    again.locator("#t2-explore-sheet .t2-tile.ready").first.wait_for()
    expect(again.locator("#t2-checkpoints")).to_contain_text(name)


def test_the_pairs_of_the_run_move_over_the_landscapes(open_page):
    page = open_page("?tab=align")
    open_align(page)
    try:
        page.locator(".t2-run.done").filter(has_text="f-divergence DPO").first.wait_for(timeout=20_000)
    except TimeoutError:  # alone, without the test that trains it
        fill_short(page, "f_dpo")
        start(page)
        wait_for_end(page)
    open_theory(page)
    page.locator("#t2-run input").click()
    page.get_by_role("option").first.click()
    slider = page.locator(".t2-player input")
    slider.wait_for()
    data = f"document.querySelector('{LANDSCAPE.format(name='reverse_kl')}').data"
    steps = f"Array.from({data}.find(trace => trace.name === 'pairs')?.x ?? [])"
    page.wait_for_function(f"{steps}.length > 1")
    last = page.evaluate(steps)
    slider.fill("0")
    page.wait_for_function(f"{steps}.length === 1")
    assert abs(page.evaluate(steps)[0]) < 1e-6  # X1 = 1 before the first step
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"{steps}.length === {len(last)}")


def test_who_has_a_reward_trains_by_drawing_and_sees_what_it_draws(open_page):
    page = open_page("?tab=align")
    open_align(page)
    chip = page.locator('.t2-have[data-have="reward"]')
    chip.click()
    expect(chip).to_have_attribute("aria-pressed", "true", timeout=10_000)
    expect(page.locator(".t2-method-group:visible")).to_have_count(1)
    name = fill_short(page, "grpo", **{"train-steps": 4, "field-probe_every": 0, "field-test_prompts": 0})
    expect(page.locator(".t2-method-group:visible")).to_have_count(1, timeout=10_000)  # the cards were drawn anew
    start(page)
    wait_for_end(page)
    expect(page.locator("#t2-run-status")).to_contain_text(name)
    assert [points_of(page, f"drawn_{plot}") for plot in ("reward", "kl", "diversity")] == [4, 4, 4]
    assert page.locator("#t2-curve-of-accuracy").is_hidden()


def test_stop_resume_and_discard_another(open_page):
    page = open_page("?tab=align")
    open_align(page)
    fill_short(page, "ipo", **{"train-steps": 2000})
    job = start(page)
    status = page.locator("#t2-run-status .t2-training")
    expect(status).to_contain_text("step", timeout=RUN_SECONDS * 1000)
    page.locator("#t2-stop").click()
    expect(status).to_have_class(re.compile("paused"), timeout=120_000)
    expect(status).to_contain_text("Resume goes on from there")
    page.locator("#t2-resume").click()
    expect(status).to_have_class(re.compile("queued|running"))
    page.locator("#t2-discard").click()
    page.get_by_role("button", name="Keep it").click()
    page.locator("#t2-discard").click()
    page.get_by_role("button", name="Discard it").click()
    expect(page.locator("#t2-run-view")).to_be_hidden(timeout=120_000)
    expect(page.locator(f'.t2-run[data-job="{job}"]')).to_have_count(0)
    expect(page).not_to_have_url(re.compile("job="))


def widest(page) -> int:
    """By how many pixels the page is wider than its window, with either of two kinds of methods chosen."""
    open_align(page)
    before = too_wide(page)
    page.locator('[data-method="mi_tune"]').click()
    expect(page.locator("#t2-field-top_k")).to_be_visible()
    expect(page.locator("#t2-field-beta")).to_be_hidden()
    return max(before, too_wide(page))


def test_nothing_is_wider_than_a_phone(open_page):
    assert widest(open_page("?tab=align", width=360, height=780, has_touch=True)) <= 0


def test_nothing_is_wider_than_a_desktops_window(page):
    assert widest(page) <= 0


def test_bad_input_is_one_sentence(page):
    open_align(page)
    fill_short(page, "ipo")
    page.locator("#t2-name textarea, #t2-name input").fill("no/slashes")
    expect(page.locator("#t2-cost")).to_contain_text("needs a name of letters")
    page.locator("#t2-train").click()
    expect(page.get_by_test_id("toast-body").first).to_contain_text("needs a name of letters")
    assert "job=" not in page.url


NOTED = """
window.noted = [];
window.Notification = class { constructor(title, more) { window.noted.push([title, more.body]); } };
Notification.permission = 'default';
Notification.requestPermission = async () => (Notification.permission = 'granted');
"""
ENDS = """state => {
  const run = `<div class="t2-training" data-job="j" data-status="${state}"><h3>mine</h3><p><span>Well.</span></p></div>`;
  document.querySelector('#t2-run-status .t2-training').parentElement.innerHTML = run;
}"""


def test_the_desktop_is_told_only_when_somebody_asked(open_page):
    page = open_page("?tab=align")
    page.evaluate(NOTED)
    open_align(page)
    page.locator(".t2-run").first.click()  # of the test that trained; what becomes of it is played here
    expect(page.locator("#t2-run-status .t2-training")).to_be_visible()
    for state in ("running", "done"):
        page.evaluate(ENDS, state)
        page.wait_for_timeout(100)
    assert page.evaluate("noted") == [] and page.title().startswith("\N{CHECK MARK}")
    page.evaluate("Notification.permission = 'granted'")
    for state in ("running", "failed"):
        page.evaluate(ENDS, state)
        page.wait_for_timeout(100)
    assert page.evaluate("noted") == []
    page.evaluate("localStorage.setItem('t2-notify', 'yes')")
    for state in ("running", "done"):
        page.evaluate(ENDS, state)
        page.wait_for_timeout(100)
    assert page.evaluate("noted") == [["mine is done", "Well."]]
