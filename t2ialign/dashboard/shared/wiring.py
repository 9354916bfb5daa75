"""Handlers return a dict of what changes, by the names of a tab's components; this turns it into Gradio's outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
from gradio.events import Dependency

from t2ialign.dashboard.shared.fields import held
from t2ialign.dashboard.shared.owner import name_of
from t2ialign.dashboard.shared.refusals import refusal
from t2ialign.dashboard.shared.visitors import visitor_of
from t2ialign.limits import is_text
from t2ialign.types import InputError

Updates = dict[str, Any]
PAGES = Path(__file__).parent.parent
FIRST_SHEET = "shared/style.css"
# Quiet: no spinner over what changes, nothing on the API page; the event never waits for another one of its kind.
QUIET = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
# What the browser sends must arrive however fast it comes: by default Gradio drops what is sent while an answer is out.
EACH = {**QUIET, "trigger_mode": "multiple"}


def asset(name: str) -> str:
    """A script or style sheet by its page and file: ``explore/asked.js`` is ``explore/assets/asked.js``."""
    page, _, file = name.partition("/")
    return (PAGES / page / "assets" / file).read_text(encoding="utf-8")


def style_sheets() -> list[str]:
    """The names of all style sheets, the shared one first."""
    found = sorted(f"{path.parent.parent.name}/{path.name}" for path in PAGES.glob("*/assets/*.css"))
    return sorted(found, key=lambda name: name != FIRST_SHEET)


@dataclass(frozen=True)
class Wires:
    """A tab's components by name."""

    components: Mapping[str, Any]

    def on(
        self,
        triggers: Any,
        handler: Callable[..., Updates],
        inputs: Sequence[str],
        outputs: Sequence[str],
        **options: Any,
    ) -> Dependency:
        """Runs ``handler(*inputs)`` on a trigger (or any of a list) and shows what it returns; names left out stay."""

        def run(*values: Any) -> Any:
            return answered(handler, outputs, *self._taken(inputs, values))

        run.__name__ = name_of(handler)
        return listening(triggers)(run, self.pick(inputs), self.pick(outputs), **{**QUIET, **options})

    def on_event(
        self,
        trigger: Any,
        handler: Callable[..., Updates],
        inputs: Sequence[str],
        outputs: Sequence[str],
        **options: Any,
    ) -> Dependency:
        """The same for a trigger that sends data from the browser: ``handler(data, *inputs)``, ``data`` untrusted.

        Never ``always_last``: what Gradio then sends a second time is the first one's data.
        """

        def run(event: gr.EventData, *values: Any) -> Any:
            data = event._data if isinstance(event._data, dict) else {}
            return answered(handler, outputs, data, *self._taken(inputs, values))

        run.__name__ = name_of(handler)
        begun: Dependency = trigger(run, self.pick(inputs), self.pick(outputs), **{**EACH, **options})
        return begun

    def on_visit(
        self,
        triggers: Any,
        handler: Callable[..., Updates],
        inputs: Sequence[str],
        outputs: Sequence[str],
        **options: Any,
    ) -> Dependency:
        """The same for a handler that must know who asks: ``handler(visitor, *inputs)``. The tab needs ``key``."""

        def run(request: gr.Request, key: str, *values: Any) -> Any:
            return answered(handler, outputs, visitor_of(request, key), *self._taken(inputs, values))

        run.__name__ = name_of(handler)
        return listening(triggers)(run, self.pick(("key", *inputs)), self.pick(outputs), **{**QUIET, **options})

    def on_visit_event(
        self,
        trigger: Any,
        handler: Callable[..., Updates],
        inputs: Sequence[str],
        outputs: Sequence[str],
        **options: Any,
    ) -> Dependency:
        """Both: ``handler(visitor, data, *inputs)``. The tab needs ``key``."""

        def run(event: gr.EventData, request: gr.Request, key: str, *values: Any) -> Any:
            data = event._data if isinstance(event._data, dict) else {}
            return answered(handler, outputs, visitor_of(request, key), data, *self._taken(inputs, values))

        run.__name__ = name_of(handler)
        begun: Dependency = trigger(run, self.pick(("key", *inputs)), self.pick(outputs), **{**EACH, **options})
        return begun

    def _taken(self, inputs: Sequence[str], values: Sequence[Any]) -> list[Any]:
        """The values, where they are what their components hold: a raw request may say anything."""
        try:
            return [held(self.components[name], value) for name, value in zip(inputs, values)]
        except InputError as error:
            raise refusal(error) from error

    def pick(self, names: Sequence[str]) -> list[Any]:
        """Components by name."""
        return [self.components[name] for name in names]


def listening(triggers: Any) -> Callable[..., Dependency]:
    """What starts an event: one trigger, or any of a list (``gr.on`` wants to see inside those of ``gr.HTML``)."""
    if not isinstance(triggers, list):
        trigger: Callable[..., Dependency] = triggers
        return trigger
    return partial(
        gr.on,
        [
            SimpleNamespace(__self__=trigger.args[0], **vars(trigger.func)) if isinstance(trigger, partial) else trigger
            for trigger in triggers
        ],
    )


def answered(handler: Callable[..., Updates], outputs: Sequence[str], *values: Any) -> Any:
    """What a handler returns, ordered. The page shows the sentence of an ``InputError``, and nothing of other errors."""
    try:
        return ordered(handler(*values), outputs)
    except InputError as error:
        raise refusal(error) from error


def ordered(updates: Updates, outputs: Sequence[str]) -> Any:
    """Updates in the order of the outputs (of a single one, its own), as Gradio wants them; the others are left alone."""
    unknown = set(updates) - set(outputs)
    assert not unknown, f"{sorted(unknown)} are no outputs of this event"
    values = [updates.get(name, gr.skip()) for name in outputs]
    return values if len(values) > 1 else values[0]


def said(data: Mapping[str, Any], name: str, longest: int = 4096) -> str:
    """A text field of what the browser sent; empty if it is missing or no text."""
    value = data.get(name, "")
    return value[:longest] if isinstance(value, str) and is_text(value) else ""
