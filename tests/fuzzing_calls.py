"""Odd calls of the API: whatever is asked, it is answered, or refused with one sentence.

``benchmarks/fuzz.py`` tries thousands of them, of command lines (``fuzzing_commands``) and of the page
(``fuzzing_page``), and prints what became of them. Nothing is drawn or trained: what would begin work is only looked at. The
API's values are of the right type, of another, and anything that JSON can say.
"""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from t2ialign.dashboard.api import pictures
from t2ialign.dashboard.api.endpoint import Call, Endpoint, answered
from t2ialign.dashboard.api.endpoints import ENDPOINTS
from t2ialign.dashboard.shared.visitors import Visitor
from t2ialign.engines import LocalEngine
from t2ialign.jobs.supervisor import Supervisor
from t2ialign.store import open_store
from t2ialign.types import InputError
from tests.dashboard import fakes

WORDS = st.sampled_from(
    ["", "base", "a red circle", "cfg", "aig:power=4", "0-3", "0-15", "own:4", "1,1", "prompt", "seed", "checkpoint"]
    + ["guidance_scale", "diffusion_dpo", "lpips", "oracle_alignment", "look", "discard", "base@0.5", "base+spo", "nan"]
    + ["\ud800", "\x00", "\x1b[31m", "../..", "'; DROP TABLE runs; --", "é" * 300, "study abc", "sweep 1", "grid 1"]
)
TEXT = WORDS | st.text(max_size=30)
NUMBERS = st.sampled_from([0, 1, -1, 4, 25, 64, 2**31, 2**63, 10**30]) | st.integers()
FLOATS = st.floats(allow_nan=True, allow_infinity=True) | NUMBERS
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | FLOATS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@dataclass
class Tally:
    """How many were tried and answered, refused by the library before us, and the tracebacks of those that ended in one."""

    tried: int = 0
    answered: int = 0
    by_others: int = 0
    tracebacks: list[str] = field(default_factory=list)

    def attempt(self, act: Callable[[], Any]) -> None:
        self.tried += 1
        try:
            act()
            self.answered += 1
        except InputError as error:
            if "\n" in str(error).strip():
                self.tracebacks.append(f"more than a sentence: {error}")
        except Exception:
            self.tracebacks.append(traceback.format_exc(limit=-4))


def value_of(hint: Any) -> st.SearchStrategy[Any]:
    """Mostly what a parameter is meant to hold."""
    if get_origin(hint) is tuple:
        return st.lists(value_of(get_args(hint)[0]), max_size=4)
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint)) | TEXT
    if get_origin(hint) is UnionType:
        return st.one_of(*map(value_of, get_args(hint)))
    return {str: TEXT, int: NUMBERS, float: FLOATS, NoneType: st.none()}[hint]


def values_of(endpoint: Endpoint) -> st.SearchStrategy[dict[str, Any]]:
    """What may be sent to an endpoint: every parameter, right or odd; and some are missing."""
    each = {one.name: value_of(one.hint) | value_of(one.hint) | ANYTHING for one in endpoint.parameters}
    return st.fixed_dictionaries({}, optional=each) | st.fixed_dictionaries(each)


def quietly(examples: int) -> Callable[..., Any]:
    return settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


@contextmanager
def idle_services() -> Iterator[Any]:
    """A page's services on a new store, whose engine and supervisor begin nothing."""
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr("t2ialign.settings.CHECKPOINTS", fakes.write_registry(Path(name) / "checkpoints"))
        patch.setattr(LocalEngine, "submit", lambda *_: None)
        patch.setattr(Supervisor, "submit", lambda *_, **__: "align-0")
        patch.setattr(pictures, "open_run", lambda *_: (_ for _ in ()).throw(InputError("A run would begin.")))
        with open_store(Path(name) / "home") as store:
            yield fakes.services_of(store)


def fuzz_endpoint(services: Any, endpoint: Endpoint, examples: int) -> Tally:
    """Tries an endpoint as its owner and as a stranger by turns."""
    tally = Tally()
    callers = (Visitor(), Visitor("", "1.2.3.4", owner=False))

    @quietly(examples)
    @given(values_of(endpoint), st.sampled_from(callers))
    def attempt(values: dict[str, Any], visitor: Visitor) -> None:
        services.visits._times.clear()
        tally.attempt(lambda: answered(endpoint, Call(services, visitor), values))

    attempt()
    return tally


def attempts(services: Any, examples: int) -> Iterator[tuple[str, Callable[[], Tally]]]:
    """Each endpoint with what tries it."""
    for endpoint in ENDPOINTS:
        yield f"`/{endpoint.name}`", lambda endpoint=endpoint: fuzz_endpoint(services, endpoint, examples)  # type: ignore[misc]
