"""Odd calls end in an answer or in one sentence, whatever is asked."""

from __future__ import annotations

import pytest

from t2ialign.dashboard.api.endpoints import ENDPOINTS
from tests.fuzzing_calls import COMMANDS, fuzz_command, fuzz_endpoint, idle_commands, idle_services


@pytest.fixture(scope="module")
def idle():
    with idle_services() as services:
        yield services


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: one.name)
def test_no_endpoint_ends_in_a_traceback(idle, endpoint) -> None:
    found = fuzz_endpoint(idle, endpoint, 60)
    assert found.tried >= (30 if endpoint.parameters else 2) and found.tracebacks == []


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_ends_in_a_traceback(name: str) -> None:
    with idle_commands():
        found = fuzz_command(name, 40)
    assert found.tried >= 20 and found.tracebacks == []
