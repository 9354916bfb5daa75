"""Odd calls of everything that the page answers: its events as the browser sends them, and its addresses.

Events and addresses are those that the built page itself lists. Nothing is drawn, trained or fetched. A call is answered,
refused with a sentence, refused by Gradio before it reaches us, or has ended in a traceback of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import gradio as gr
from gradio.state_holder import SessionState
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

import t2ialign
from t2ialign.dashboard import build_dashboard, launch_options
from tests.dashboard.studies import PICK, opened
from tests.fuzzing_calls import ANYTHING, NUMBERS, TEXT, Tally, idle_services, quietly

OURS = str(Path(t2ialign.__file__).parent)


@dataclass(frozen=True)
class Built:
    """The page without a server: its blocks, a session's state, a loop, a client of its own addresses, and a study's id."""

    blocks: gr.Blocks
    state: SessionState
    loop: asyncio.AbstractEventLoop
    client: TestClient
    study: str

    def events(self) -> dict[str, int]:
        """What runs something on the server, by a name of its own."""
        return {f"{index} {fn.name}": index for index, fn in self.blocks.fns.items() if fn.fn}

    def addresses(self) -> list[str]:
        return [route.path for route in self.client.app.routes]  # type: ignore[attr-defined]

    def call(self, index: int, values: list[Any], data: Any) -> None:
        """An event with raw values, as the queue would run it."""
        fn = self.blocks.fns[index]
        client = SimpleNamespace(host="1.2.3.4")
        request = gr.Request(client=client, headers={}, query_params={}, session_hash="fuzz", cookies={})
        event = gr.EventData(None, data)
        run = self.blocks.process_api(fn, values, state=self.state, request=request, event_data=event)  # type: ignore[arg-type]
        self.loop.run_until_complete(run)


@contextmanager
def built_page() -> Iterator[Built]:
    """The whole page on a new store with an open study; whoever calls is its owner, so that nothing is refused unread."""
    with idle_services() as services:
        study = opened(services, PICK).id
        blocks, loop = build_dashboard(services), asyncio.new_event_loop()
        client = TestClient(Starlette(routes=launch_options(services)["app_kwargs"]["routes"]))
        try:
            yield Built(blocks, SessionState(blocks), loop, client, study)
        finally:
            loop.close()


def fuzz_event(page: Built, index: int, examples: int) -> Tally:
    """Tries one event with what its components hold, and with what no browser would send."""
    tally, fn = Tally(), page.blocks.fns[index]
    value = st.one_of(TEXT, NUMBERS, ANYTHING, st.sampled_from([page.study]))
    each = st.tuples(*(st.just(_usual(one)) | st.just(_usual(one)) | value for one in fn.inputs)).map(list)

    @quietly(examples)
    @given(each, st.dictionaries(st.sampled_from(DATA), value, max_size=3) | ANYTHING)
    def attempt(values: list[Any], data: Any) -> None:
        _tried(tally, lambda: page.call(index, values, data))

    attempt()
    return tally


DATA = ["cell", "seed", "point", "points", "act", "checkpoint", "note", "title", "job", "run", "query", "theme", "key"]
"""What our own scripts send beside the values."""


def _usual(component: Any) -> Any:
    value = getattr(component, "value", None)
    return value if isinstance(value, str | int | float | bool | list) else None


def _tried(tally: Tally, act: Callable[[], None]) -> None:
    tally.tried += 1
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            act()
        tally.answered += 1
    except gr.Error:
        pass
    except Exception as error:
        if any(frame.filename.startswith(OURS) for frame in _beyond_wiring(error)):
            tally.tracebacks.append(traceback.format_exc(limit=-6))
        else:
            tally.by_others += 1


def _beyond_wiring(error: BaseException) -> list[traceback.FrameSummary]:
    return [one for one in traceback.extract_tb(error.__traceback__) if "wiring.py" not in one.filename]


def fuzz_address(page: Built, path: str, examples: int) -> Tally:
    """Tries one address with odd parts, questions and bodies; an exception in it comes through the client."""
    tally = Tally()
    part = st.one_of(
        TEXT.filter(lambda said: said not in (".", "..")), st.sampled_from([page.study, "0", "-1", "9" * 40])
    )
    places = st.lists(part.filter(bool).map(_in_path), min_size=3, max_size=3)
    bodies = ANYTHING.map(_json) | st.binary(max_size=40) | _answers(page).map(_json)

    @quietly(examples)
    @given(places, st.dictionaries(st.sampled_from(["small", "map", "key", "q"]), TEXT, max_size=2), bodies)
    def attempt(parts: list[str], query: dict[str, str], body: bytes) -> None:
        address = "".join(_filled(path, parts))
        asked = "&".join(f"{name}={_in_path(said)}" for name, said in query.items())
        kind = {"content-type": "application/json"}
        method, content = ("POST", body) if "{question" in path else ("GET", b"")
        tally.attempt(lambda: page.client.request(method, f"{address}?{asked}", content=content, headers=kind))

    attempt()
    return tally


QUESTIONS = ("look", "join", "survey", "answer", "withdraw", "more", "standings")


def _filled(path: str, parts: list[str]) -> Iterator[str]:
    for number, piece in enumerate(path.split("{")):
        if number == 0:
            yield piece
            continue
        name, _, rest = piece.partition("}")
        yield QUESTIONS[len(parts[0]) % len(QUESTIONS)] if name.startswith("question") else parts[number % len(parts)]
        yield rest


def _answers(page: Built) -> st.SearchStrategy[dict[str, Any]]:
    names = ("group", "consent", "key", "survey", "trial", "answer", "milliseconds", "revision", "code", "study")
    return st.dictionaries(st.sampled_from(names), ANYTHING | TEXT | st.just(True) | st.just(page.study), max_size=6)


def _in_path(said: str) -> str:
    return quote(said.encode("utf-8", "surrogatepass"), safe="")


def _json(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


def attempts(page: Built, examples: int) -> Iterator[tuple[str, Callable[[], Tally]]]:
    """Each event and each address with what tries it."""
    for name, index in page.events().items():
        yield f"event {name}", lambda index=index: fuzz_event(page, index, examples)  # type: ignore[misc]
    for path in page.addresses():
        yield f"address {path}", lambda path=path: fuzz_address(page, path, 4 * examples)  # type: ignore[misc]
