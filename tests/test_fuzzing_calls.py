"""Odd calls end in an answer or in one sentence, whatever is asked; ``benchmarks/fuzz.py`` tries ten thousand."""

from __future__ import annotations

import pytest

from t2ialign.dashboard.api.endpoints import ENDPOINTS
from t2ialign.types import content_key
from tests import fuzzing_commands, fuzzing_page
from tests.fuzzing_calls import Tally, fuzz_endpoint, idle_services


@pytest.fixture(scope="module")
def idle():
    with idle_services() as services:
        yield services


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: one.name)
def test_no_endpoint_ends_in_a_traceback(idle, endpoint) -> None:
    found = fuzz_endpoint(idle, endpoint, 40)
    assert found.tried >= (20 if endpoint.parameters else 2) and found.tracebacks == []


@pytest.mark.slow
def test_no_command_ends_in_a_traceback() -> None:
    with fuzzing_commands.idle_commands():
        names = fuzzing_commands.commands()
        assert {"generate", "study export", "store backup", "checkpoints", "jobs cancel"} < set(names)
        every = [fuzzing_commands.fuzz_command(name, 4) for name in names]
    assert _together(every) >= 3 * len(names)


@pytest.mark.slow
def test_no_event_and_no_address_of_the_page_ends_in_a_traceback() -> None:
    with fuzzing_page.built_page() as page:
        assert len(page.events()) > 150 and len(page.addresses()) >= 9
        every = [attempt() for _, attempt in fuzzing_page.attempts(page, 2)]
        assert _together(every) > 400


def test_what_ends_in_a_traceback_is_seen() -> None:
    """The check itself: a handler of ours that fails is no refusal, what Gradio does not let through is."""
    found = Tally()
    fuzzing_page._tried(found, lambda: fuzzing_page._in_path(None))  # type: ignore[arg-type]
    assert (found.tried, len(found.tracebacks), found.by_others) == (1, 0, 1)  # not within t2ialign/
    fuzzing_page._tried(found, lambda: content_key([object()]))
    assert (found.tried, len(found.tracebacks), found.answered) == (2, 1, 0)


def _together(every: list[Tally]) -> int:
    assert [trace for one in every for trace in one.tracebacks] == []
    return sum(one.tried for one in every)
