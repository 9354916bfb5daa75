import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import gradio as gr
import pytest

from t2ialign import settings
from t2ialign.dashboard import build_dashboard, launch_options
from t2ialign.dashboard.api.endpoints import ENDPOINTS
from t2ialign.dashboard.page import HEADER, TABS, addresses
from t2ialign.dashboard.shared import theme
from t2ialign.dashboard.shared.wiring import PAGES, Wires, asset, ordered, said, style_sheets
from t2ialign.store import open_store
from tests.dashboard import fakes


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory, registry: Path) -> Iterator[gr.Blocks]:
    with pytest.MonkeyPatch.context() as patch, open_store(tmp_path_factory.mktemp("page")) as store:
        patch.setattr(settings, "CHECKPOINTS", registry)
        yield build_dashboard(fakes.services_of(store))


@pytest.mark.slow
def test_every_tab_has_a_title_and_is_built(blocks):
    tabs = {block.id: block.label for block in blocks.blocks.values() if isinstance(block, gr.Tab)}
    assert {name: tabs.get(name) for name in TABS} == {name: tab.TITLE for name, tab in TABS.items()}


def test_no_handler_is_on_the_api_page(blocks):
    """What is there are the endpoints of ``api`` and the raters', which are meant for programs."""
    shown = {name for name in blocks.get_api_info()["named_endpoints"] if not name.startswith("/rate")}
    assert shown == {f"/{one.name}" for one in ENDPOINTS}


def test_events_do_not_wait_for_each_other(blocks):
    assert {fn.concurrency_limit for fn in blocks.fns.values() if fn.fn} == {None}


def test_no_event_shows_a_clock(blocks):
    """None would tick: ``head.js`` ends them, since Gradio's go on for ever where what they stand on goes away first."""
    assert {fn.show_progress for fn in blocks.fns.values()} == {"hidden"}


def test_no_field_for_words_waits_for_keys(blocks):
    """Gradio's ``input`` of a text field comes with a pressed letter only: not with pasting, deleting, a phone's keyboard."""
    heard = {
        (blocks.blocks[component].get_block_name(), event)
        for fn in blocks.fns.values()
        for component, event in fn.targets
        if component is not None
    }
    assert ("textbox", "change") in heard and ("textbox", "input") not in heard


def test_an_address_opens_tabs_that_are_there(blocks):
    rows = {block.elem_id: block for block in blocks.blocks.values() if isinstance(block, gr.Tabs)}
    opened = addresses()
    assert set(opened) == {*TABS, "sweep"}
    for name, tabs in opened.items():
        for row, tab in tabs.items():
            assert tab in {child.id for child in rows[row].children}, name


def test_no_trigger_has_two_events_that_wait_their_turn(blocks):
    """Where two events of one trigger are ``always_last``, Gradio lets each start the other for ever."""
    heard = Counter(
        (component, event)
        for fn in blocks.fns.values()
        for component, event in fn.targets
        if fn.fn and fn.trigger_mode == "always_last" and component is not None
    )
    assert {
        (blocks.blocks[component].elem_id, event) for (component, event), times in heard.items() if times > 1
    } == set()


def test_nothing_that_is_typed_or_clicked_is_dropped_while_an_answer_is_out(blocks):
    """``once``, Gradio's default, drops it: a second tick, a second star, the last letters of a search."""
    sent = {"input", "vote"}
    dropped = {
        (fn.name, event)
        for fn in blocks.fns.values()
        for component, event in fn.targets
        if fn.fn
        and fn.trigger_mode == "once"
        and component is not None
        and (event in sent or (event == "select" and isinstance(blocks.blocks[component], gr.HTML)))
    }
    assert dropped == set()


def test_what_brings_data_is_never_sent_later(blocks):
    """Of ``always_last`` events that wait, Gradio sends the first one's data again."""
    bringing = {
        fn.name for fn in blocks.fns.values() if fn.fn and fn.trigger_mode == "always_last" and brings_data(fn.fn)
    }
    assert bringing == set() and any(brings_data(fn.fn) for fn in blocks.fns.values() if fn.fn)


def brings_data(function: Callable) -> bool:
    return any(str(one).endswith("EventData") for one in inspect.get_annotations(function).values())


@pytest.mark.slow
def test_two_pages_share_nothing(services):
    first, second = build_dashboard(services), build_dashboard(services)
    assert not set(map(id, first.blocks.values())) & set(map(id, second.blocks.values()))


def test_nothing_leaves_the_machine(blocks, services):
    options = launch_options(services)
    assert options["run_history"] is False and options["enable_monitoring"] is False
    assert blocks.analytics_enabled is False
    fonts = [font for stack in (options["theme"]._font, options["theme"]._font_mono) for font in stack]
    assert not [font for font in fonts if isinstance(font, gr.themes.GoogleFont)]
    said_by_us = (
        "".join(path.read_text() for path in PAGES.rglob("assets/**/*") if path.is_file())
        + HEADER
        + theme.head(addresses())
    )
    assert "http://" not in said_by_us and "https://" not in said_by_us and "//cdn" not in said_by_us


def test_the_style_sheets_are_one_and_reach_the_whole_page(services, monkeypatch, tmp_path):
    for page in ("shared", "another"):
        (tmp_path / page / "assets").mkdir(parents=True)
    (tmp_path / "shared/assets/style.css").write_text(
        ":root { --a: 1; }\n.t2-a { color: red; }\n@media (min-width: 9px) { .t2-a { top: 0; } }"
    )
    (tmp_path / "another/assets/another.css").write_text(
        ".t2-b { top: 0; }\n@keyframes t2-k { from { top: 0; } to { top: 1px; } }"
    )
    monkeypatch.setattr("t2ialign.dashboard.shared.wiring.PAGES", tmp_path)
    alone, nested = theme.css().split(f"{theme.HEAVY} {{")
    assert ":root { --a: 1; }" in alone and "@keyframes t2-k { from { top: 0; } to { top: 1px; } }" in alone
    assert "--a" not in nested and "t2-k" not in nested and nested.index(".t2-a") < nested.index(".t2-b")


def test_every_style_sheet_closes_what_it_opens():
    for name in style_sheets():
        assert asset(name).count("{") == asset(name).count("}"), name


def test_pictures_have_their_address(services):
    routes = launch_options(services)["app_kwargs"]["routes"]
    assert [route.path for route in routes if route.path.startswith("/pictures/")]


def test_events_of_the_browser_can_stand_in_a_list():
    with gr.Blocks() as page:
        box, bridge = gr.Textbox(), gr.HTML("", js_on_load="trigger('shown', {})")
        Wires({"box": box}).on([bridge.shown, box.change], lambda: {"box": "x"}, (), ("box",))
    assert list(page.fns.values())[0].targets == [(bridge._id, "shown"), (box._id, "change")]


def test_handlers_say_what_changes_by_name():
    assert ordered({"b": 2}, ("a", "b"))[1] == 2 and ordered({"a": 1}, ("a",)) == 1
    with pytest.raises(AssertionError, match="nonsense"):
        ordered({"nonsense": 1}, ("a",))


def test_what_a_browser_sends_is_text_of_a_sane_length():
    assert (
        said({"a": "x"}, "a") == "x"
        and said({"a": ["x"]}, "a") == said({}, "a") == ""
        and len(said({"a": "x" * 9999}, "a")) == 4096
    )
