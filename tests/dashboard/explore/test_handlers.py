"""Explore's handlers as functions: what changes on the page, and what stays."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from t2ialign import settings
from t2ialign.dashboard.explore import handlers
from t2ialign.dashboard.explore.subject_state import watch
from t2ialign.dashboard.shared.links import Subject, read_query
from t2ialign.dashboard.shared.visitors import Visitor
from t2ialign.store import add_run, find_run, list_runs
from t2ialign.types import InputError, Prompt
from tests.dashboard import fakes

FIELDS = ("a red circle", ["base"], 4.0, 0, 4, 25, "ddim", "cfg", "", "", 0, 0)


def generate(services, subject: str = "", page: str = "a page", visitor: Visitor | None = None, **change):
    names = (
        "prompt",
        "checkpoints",
        "guidance_scale",
        "first_seed",
        "seed_count",
        "steps",
        "scheduler",
        "guidance",
        "guidance_params",
        "negative",
        "height",
        "width",
    )
    fields = dict(zip(names, FIELDS)) | change
    return handlers.generate(services, visitor or Visitor(page), subject, "light", *fields.values())


def finished(services, updates) -> str:
    """The subject of a generation once it is over."""
    services.engine.wait(read_query(updates["subject"]).run, 30)
    return updates["subject"]


def labels(chart) -> list[str]:
    return [note.text for note in chart.layout.annotations]


@pytest.mark.slow
def test_generate_writes_the_run_down_and_watches_it(services):
    updates = generate(services)
    assert updates["timer"].active and updates["cancel"].visible and not updates["generate"].visible
    assert list_runs(services.store)[0].id == read_query(updates["subject"]).run
    assert updates["notice"] == "" and "t2-tile" in updates["sheet"]


def test_a_chosen_strategy_shows_its_cost_and_its_parameters(services):
    updates = handlers.choose_guidance(services, "aig", ["spo"])
    assert updates["guidance_params"] == "power=2" and "4 evaluations" in updates["guidance"].info
    assert handlers.choose_guidance(services, "cfg", ["base"])["guidance_params"] == ""
    assert "step_size=0.3," in handlers.choose_guidance(services, "attend_excite", ["spo@0.5"])["guidance_params"]


def test_a_strategy_for_trained_checkpoints_refuses_the_base(services):
    updates = generate(services, checkpoints=["spo", "base"], guidance="aig", guidance_params="power=1")
    assert "choose a trained checkpoint" in updates["notice"] and list_runs(services.store) == []


@pytest.mark.slow
def test_a_tick_brings_pictures_scores_and_the_point(services):
    subject = finished(services, generate(services))
    updates = handlers.tick(services, subject, "light", "", "")
    assert updates["sheet"].count("ready") == 4 and "the prompt" in updates["headline"]
    assert "4 pictures in" in updates["progress"] and not updates["timer"].active and updates["generate"].visible
    assert "<b>this prompt</b>" in labels(updates["chart"])


@pytest.mark.slow
def test_a_tick_that_finds_nothing_new_changes_nothing(services):
    subject = finished(services, generate(services))
    first = handlers.tick(services, subject, "light", "", "")
    assert handlers.tick(services, subject, "light", first["seen"], first["charted"]) == {}


@pytest.mark.slow
def test_a_chart_whose_numbers_stand_still_is_not_sent_again(services):
    subject = finished(services, generate(services))
    first = handlers.tick(services, subject, "light", "", "")
    assert "chart" not in handlers.tick(services, subject, "light", "", first["charted"])


@pytest.mark.slow
def test_a_stored_cell_is_said_to_be_from_the_store(services, monkeypatch):
    finished(services, generate(services))
    found = handlers.open_explore(services, Visitor(), {"query": f"?cell={list_runs(services.store)[0].cells[0]}"})
    assert "from the store: nothing was computed" in found["progress"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"prompt": ""}, "The prompt is empty"),
        ({"prompt": None}, "The prompt is empty"),
        ({"checkpoints": ["bsae"]}, "did you mean &#39;base&#39;"),
        ({"checkpoints": ["<b>x</b>"]}, "&lt;b&gt;x&lt;/b&gt;"),
        ({"checkpoints": ["spo@seven"]}, "must be a number"),
        ({"checkpoints": []}, "one to 4"),
        ({"guidance_scale": None}, "is empty"),
        ({"guidance_scale": float("nan")}, "is empty"),
        ({"guidance_scale": -1.0}, "0 to 50"),
        ({"steps": 0}, "1 to 1000"),
    ],
)
def test_a_problem_is_said_and_nothing_else_changes(services, change: dict, sentence: str):
    updates = generate(services, **change)
    assert set(updates) == {"notice"} and sentence in updates["notice"]
    assert list_runs(services.store) == []


@pytest.mark.slow
def test_markup_in_a_prompt_stays_text(services):
    updates = generate(services, prompt="<img src=x onerror=alert(1)> & a ring")
    assert "<img src=x" not in "".join(value for value in updates.values() if isinstance(value, str))


@pytest.fixture
def gate(monkeypatch) -> Iterator[threading.Event]:
    """No run begins before this is set."""
    go, render = threading.Event(), fakes.fake_batches()
    monkeypatch.setattr(handlers, "run_batches", lambda *a: (go.wait(30), render(*a))[1])
    yield go
    go.set()


def test_one_page_does_not_start_two_runs(services, gate):
    first = generate(services)
    for subject in ("", first["subject"]):
        assert "still at work" in generate(services, subject, prompt="a ring")["notice"]
    assert len(list_runs(services.store)) == 1


def test_a_run_under_a_link_is_waited_for_too(services, gate):
    shown = generate(services, page="an earlier page")["subject"]
    assert "still at work" in generate(services, shown, prompt="a ring")["notice"]


@pytest.mark.slow
def test_asking_twice_is_asking_once(services, gate):
    """A double click, or Enter and a click, while the server is too slow to say that it has begun."""
    with ThreadPoolExecutor(4) as pool:
        subjects = {updates["subject"] for updates in pool.map(lambda _: generate(services), range(8))}
    assert len(subjects) == 1 and len(list_runs(services.store)) == 1
    assert {generate(services, *subjects)["subject"]} == subjects


@pytest.mark.slow
def test_two_pages_may_ask_for_the_same(services, gate):
    assert generate(services)["subject"] != generate(services, page="another page")["subject"]


@pytest.fixture
def held(services, monkeypatch) -> Iterator[threading.Event]:
    """Runs that wait for this event."""
    event = threading.Event()

    def waiting(bench, run, requests, cancelled):
        event.wait(30)
        yield from ()

    monkeypatch.setattr(handlers, "run_batches", waiting)
    yield event
    event.set()


def stranger(address: str, page: str | None = None) -> Visitor:
    return Visitor(f"page of {address}" if page is None else page, address, owner=False)


@pytest.mark.slow
def test_a_stranger_who_invents_pages_has_one_address(services, held):
    crowd = [generate(services, visitor=stranger("1.2.3.4", f"page {number}")) for number in range(60)]
    assert sum("subject" in updates for updates in crowd) == services.visits.limits.runs
    assert "At work for your address: 2 runs" in crowd[-1]["notice"]
    assert "subject" in generate(services, visitor=stranger("5.6.7.8"))


@pytest.mark.slow
def test_a_full_queue_says_which_place_it_would_have_been(services, held):
    for number in range(services.visits.limits.queue):
        assert "subject" in generate(services, visitor=stranger(f"10.0.0.{number}"))
    told = generate(services, visitor=stranger("10.0.1.1"))
    assert "The queue is full: your run would be number 9, and at most 8" in told["notice"]
    assert "subject" in generate(services, page="the owner's"), "the owner is never turned away"


def test_what_comes_from_the_hub_is_the_owners(services, registry, held):
    file = registry / "registry.toml"
    before = file.read_text()
    try:
        hub = '[backbones.big]\nfamily = "sd"\nhub = "org/big"\n[checkpoints.big]\nbackbone = "big"\n'
        file.write_text(before + hub + '[checkpoints.far]\nbackbone = "shapes"\nhub = "org/far"\nkind = "lora"\n')
        for name in ("big", "far", "far@0.5+spo@0.5"):
            told = generate(services, visitor=stranger("1.2.3.4"), checkpoints=["base", name])
            assert f"{name} comes from the Hub" in told["notice"]
        assert list_runs(services.store) == []
        owners = generate(services, checkpoints=["far"])["notice"]
        assert "cannot reach the Hub" in owners and "only the owner" not in owners
    finally:
        file.write_text(before)


def test_only_who_started_a_run_may_stop_it(services, held):
    subject = generate(services, visitor=stranger("1.2.3.4", "mine"))["subject"]
    run = read_query(subject).run
    for other in (stranger("1.2.3.4", "another"), stranger("1.2.3.4", ""), stranger("5.6.7.8", "mine too")):
        assert "Only the page that started" in handlers.cancel(services, other, subject)["notice"]
        assert not services.engine.look(run).finished
    services.engine.submit("study abc", lambda cancelled: iter(()))
    for visitor in (stranger("1.2.3.4", "mine"), Visitor("the owner's")):
        assert "no run" in handlers.cancel(services, visitor, "run=study%20abc")["notice"]
    assert services.engine.look("study abc").status == "queued"
    assert "Stopping" in handlers.cancel(services, stranger("1.2.3.4", "mine"), subject)["cancel"].value


@pytest.mark.slow
def test_cancel_keeps_what_is_there(services, monkeypatch):
    started, go = threading.Event(), threading.Event()
    render = fakes.fake_batches()

    def held(bench, run, requests, cancelled):
        for state in render(bench, run, requests, cancelled):
            yield state
            if state.batches[0].images:
                started.set()
                go.wait(30)

    monkeypatch.setattr(handlers, "run_batches", held)
    updates = generate(services)
    assert started.wait(30)
    assert handlers.cancel(services, Visitor(), updates["subject"])["cancel"].value == "Stopping"
    go.set()
    found = handlers.tick(services, finished(services, updates), "light", "", "")
    assert "Cancelled. 2 of 4 pictures are kept" in found["progress"] and found["generate"].visible


@pytest.mark.slow
def test_the_first_view_shows_the_shipped_points_and_what_to_do(stocked):
    updates = handlers.open_explore(stocked, Visitor(), {"query": "", "theme": "light"})
    assert len(updates["chart"].data) > 1 and "Press <b>Generate</b>" in updates["sheet"]
    assert "prompt" not in updates and not updates["timer"].active


@pytest.mark.slow
def test_a_link_restores_form_and_pictures(services):
    subject = finished(services, generate(services, checkpoints=["base", "spo"], guidance_scale=2.5, first_seed=7))
    updates = handlers.open_explore(services, Visitor(), {"query": f"?{subject}", "theme": "dark"})
    assert updates["prompt"] == "a red circle" and updates["checkpoints"] == ["base", "spo"]
    assert (updates["guidance_scale"], updates["first_seed"], updates["seed_count"]) == (2.5, 7, 4)
    assert updates["sheet"].count("ready") == 8 and updates["subject"] == subject


@pytest.mark.slow
@pytest.mark.parametrize("query", ["?run=gone", "?cell=gone", "?run=%3Cscript%3E"])
def test_a_dead_link_says_so_and_the_page_lives(stocked, query: str):
    updates = handlers.open_explore(stocked, Visitor(), {"query": query, "theme": "light"})
    assert "problem" in updates["notice"] and "<script" not in updates["notice"] and updates["chart"].data


@pytest.mark.slow
@pytest.mark.parametrize("data", [{}, {"query": 7, "theme": ["dark"]}, {"query": "x" * 10**5}])
def test_whatever_a_browser_sends_opens_the_page(stocked, data):
    assert handlers.open_explore(stocked, Visitor(), data)["chart"].data


@pytest.mark.slow
def test_a_run_that_was_asked_for_before_the_first_view_came_stays_on_show(services, monkeypatch):
    monkeypatch.setattr(settings, "OWNER_TOKEN", "secret")  # strangers see no last batch
    subject = finished(services, generate(services, prompt="a blue star"))
    late = handlers.open_explore(services, Visitor("a page"), {"query": "?run=gone", "theme": "light"})
    assert late["subject"] == subject and late["sheet"].count("ready") == 4 and "prompt" not in late
    assert handlers.open_explore(services, Visitor("another"), {"query": ""})["subject"] == ""


@pytest.mark.slow
def test_a_run_that_is_asked_for_while_the_first_view_is_made_stays_on_show(services, monkeypatch):
    first_view, begun = handlers._first_view, []

    def while_made(*asked):
        begun.append(generate(services)["subject"])
        return first_view(*asked)

    monkeypatch.setattr(handlers, "_first_view", while_made)
    assert handlers.open_explore(services, Visitor("a page"), {"query": "?run=gone"})["subject"] == begun[0]


@pytest.mark.slow
def test_a_grid_is_no_run_of_explore(services):
    services.page_runs.ask("a page", "", (), lambda: "grid 0123")
    assert handlers.open_explore(services, Visitor("a page"), {"query": ""})["subject"] == ""


@pytest.mark.slow
def test_two_checkpoints_can_be_compared(services):
    subject = finished(services, generate(services, checkpoints=["base", "spo"]))
    offered = handlers.tick(services, subject, "light", "", "")
    assert offered["compare"].visible and offered["right"].value == "spo"
    left, right = handlers.compare(services, subject, "base", "spo", "2")["slider"]
    assert left.size == right.size == (512, 512)


@pytest.mark.slow
def test_one_checkpoint_has_nothing_to_compare(services):
    subject = finished(services, generate(services))
    assert not handlers.tick(services, subject, "light", "", "")["compare"].visible
    assert handlers.compare(services, subject, "base", "nobody", "2") == {}
    assert handlers.compare(services, "", None, None, None) == {}


def test_looking_at_a_run_that_is_gone_says_so(stocked, config):
    gone = str(Subject(run="gone"))
    assert "There is no run" in handlers.compare(stocked, gone, "base", "spo", "2")["notice"]
    assert "There is no run" in handlers.click_point(stocked, {"point": config("base", 4).key}, gone)["point_details"]


@pytest.mark.slow
def test_a_click_shows_what_is_behind_a_point(stocked, config):
    point = config("base", 4).key
    shown = handlers.click_point(stocked, {"point": point}, "")["point_details"]
    assert "2 prompts, 8 pictures" in shown and "a blue star and a green ring" in shown
    cell = fakes.batch_of(Prompt("a red circle"), config("base", 4), (0,)).cell
    chosen = handlers.choose_prompt(stocked, {"point": point, "cell": cell}, "")["point_details"]
    assert f'data-cell="{cell}" aria-pressed="true"' in chosen and f"?cell={cell}" in chosen


@pytest.mark.slow
@pytest.mark.parametrize("data", [{}, {"point": "gone"}, {"point": None}, {"point": "<b>"}])
def test_a_point_that_is_gone_says_so(stocked, data):
    assert "no longer on the chart" in handlers.click_point(stocked, data, "")["point_details"]


def test_examples_fill_the_prompt_box(services):
    assert handlers.pick_example({"prompt": "a ring"}) == {"prompt": "a ring"}
    assert handlers.pick_example({"prompt": 3}) == {}
    assert "lighthouse" in handlers.show_examples(services, "everyday", [])["examples"]


@pytest.mark.slow
def test_the_other_theme_repaints_the_chart(stocked):
    light, dark = (handlers.repaint(stocked, "", theme)["chart"].layout.font.color for theme in ("light", "dark"))
    assert light != dark
    assert handlers.repaint(stocked, "run=gone", "dark") == {}


def test_a_vanished_run_stops_the_timer(services):
    updates = handlers.tick(services, str(Subject(run="gone")), "light", "", "")
    assert not updates["timer"].active and "There is no run" in updates["notice"]
    with pytest.raises(InputError):
        watch(services, Subject(run="gone"))


def test_a_checkpoint_made_meanwhile_is_offered(services, store):
    before = handlers.offer_checkpoints(services)["checkpoints"].choices
    folder = store.home / "checkpoints" / "new"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text('{"kind": "lora", "backbone": "shapes"}')
    after = handlers.offer_checkpoints(services)["checkpoints"].choices
    assert [choice for choice in after if choice not in before] == [("new", "new")]


def test_another_size_is_the_owner_s_and_stays_in_the_form(services):
    with pytest.raises(InputError, match="to 2048 pixels, not 4"):
        handlers.requests_of(handlers.read_form((*FIELDS[:-2], 4, 0)), services)
    (request,) = handlers.requests_of(handlers.read_form((*FIELDS[:-2], 32, None)), services)
    assert (request.height, request.width) == (32, 0)
    refused = generate(services, visitor=Visitor("a page", "1.2.3.4", owner=False), height=32)
    assert "only the owner draws in other sizes" in refused["notice"]


@pytest.mark.slow
def test_the_plain_address_opens_with_the_last_batch_and_computes_nothing(services, monkeypatch):
    subject = finished(services, generate(services, prompt="a blue star", guidance_scale=6.0))
    add_run(
        services.store, Prompt("nothing came of it"), find_run(services.store, read_query(subject).run).configs, (0,)
    )
    found = handlers.open_explore(services, Visitor(), {"query": ""})
    assert found["subject"] == subject and found["sheet"].count("ready") == 4
    assert (found["prompt"], found["guidance_scale"]) == ("a blue star", 6.0) and services.engine.unfinished() == ()
    monkeypatch.setattr(settings, "OWNER_TOKEN", "secret")
    assert "t2-tile ready" not in handlers.open_explore(services, Visitor(), {"query": ""})["sheet"]


@pytest.mark.slow
def test_two_cells_of_one_prompt_stand_beside_each_other(services, config):
    cells = [fakes.add_cell(services.store, Prompt("a ring"), config(name)).cell for name in ("base", "spo")]
    found = handlers.open_explore(services, Visitor(), {"query": f"?cell={','.join(cells)}"})
    assert found["checkpoints"] == ["base", "spo"] and found["sheet"].count("<section") == 2
    other = fakes.add_cell(services.store, Prompt("a star"), config()).cell
    assert (
        "Only cells of one prompt"
        in handlers.open_explore(services, Visitor(), {"query": f"?cell={cells[0]},{other}"})["notice"]
    )


def test_prompts_that_a_model_does_not_know_are_said_to_be_so(services):
    found = handlers.show_examples(services, "everyday", ["base"])
    assert "base knows only" in found["world"] and "t2-chip" in found["examples"]
    assert handlers.show_examples(services, "shapes-test", ["base"])["world"] == ""
    assert handlers.show_examples(services, "everyday", [])["world"] == ""


def test_the_chart_calls_a_backbone_by_its_name_in_the_menu(stocked, monkeypatch):
    """A config without adapters is ``base`` whatever its backbone; people know only the embedded one under that name."""
    names = {trace.name for trace in handlers.repaint(stocked, "", "light")["chart"].data}
    assert "base" in names
    monkeypatch.setattr(handlers, "plain_name", lambda bench, config: "sd-1.5")
    other = {trace.name for trace in handlers.repaint(stocked, "", "light")["chart"].data}
    assert "sd-1.5" in other and "base" not in other
