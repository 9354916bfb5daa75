"""The line that says how far the shipped results are."""

from dataclasses import replace

import gradio as gr
import pytest

from t2ialign import settings
from t2ialign.dashboard import build_dashboard
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.reading import look_at_reading
from t2ialign.use_cases.shipped import ShippedReading


def test_the_clock_runs_as_long_as_there_is_something_to_say(services: Services) -> None:
    reading = ShippedReading(files=3, taken=1)
    working = look_at_reading(replace(services, shipped=reading))
    assert "1 of 3 files" in working["reading"] and working["reading_clock"].active
    reading.taken = 3
    done = look_at_reading(replace(services, shipped=reading))
    assert done["reading"] == "" and not done["reading_clock"].active


def test_trouble_is_told_once_and_not_to_strangers(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    troubled = replace(services, shipped=ShippedReading(files=3, trouble="/home/me is full."))
    told = look_at_reading(troubled)
    assert "/home/me is full." in told["reading"] and not told["reading_clock"].active
    monkeypatch.setattr(settings, "OWNER_TOKEN", "a token")
    assert "/home/me" not in look_at_reading(troubled)["reading"]


@pytest.mark.slow
def test_a_page_whose_results_are_there_asks_nothing(services: Services) -> None:
    """Nobody polls a page at rest."""
    parts = {one.elem_id for one in build_dashboard(services).blocks.values()}
    early = {one.elem_id for one in build_dashboard(replace(services, shipped=ShippedReading(files=3))).blocks.values()}
    assert early - parts == {"t2-reading"}


@pytest.mark.slow
def test_it_runs_on_opening_and_by_its_clock(services: Services) -> None:
    blocks = build_dashboard(replace(services, shipped=ShippedReading(files=3)))
    fn = next(fn for fn in blocks.fns.values() if fn.name == "look_at_reading")
    assert {event for _, event in fn.targets} == {"load", "tick"}
    assert any(isinstance(one, gr.Timer) for one in fn.outputs)
