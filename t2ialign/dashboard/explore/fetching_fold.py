"""What the folds for things from elsewhere share: fields, a button, a thread that fetches, a timer. All the owner's alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from markupsafe import Markup

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.visitors import Visitor
from t2ialign.dashboard.shared.wiring import Updates, Wires
from t2ialign.engines.local import Cancelled
from t2ialign.types import InputError

SECONDS = 1.0
GONE = "The server was started anew: ask again."


@dataclass(frozen=True)
class FetchNews:
    """What is fetched as the engine keeps it: ``news`` is what has happened, the newest last, and ``name`` what came of it."""

    news: list[str] = field(default_factory=list)
    name: str = ""


@dataclass(frozen=True)
class FetchingFold:
    """One such fold: what its components' names begin with, its tasks' key, its title, and what is said while it works."""

    prefix: str
    task: str
    title: str
    at_work: str

    def panel(self, fields: Callable[[], dict[str, Any]], button: str) -> dict[str, gr.blocks.Block]:
        """The fold with its fields, its button and its answer."""
        stem = f"t2-{self.prefix}"
        with gr.Accordion(self.title, open=False, visible=not owner.locked(""), elem_id=f"{stem}-fold") as fold:
            parts = {"unlisted": gr.HTML("", apply_default_css=False, elem_id=f"{stem}-unlisted"), **fields()}
            parts["go"] = gr.Button(button, size="sm", elem_id=f"{stem}-button")
            parts["answer"] = gr.HTML("", apply_default_css=False, elem_id=f"{stem}-answer")
        return self._named({"fold": fold, **parts, "timer": gr.Timer(SECONDS, active=False)})

    def wire(
        self,
        wires: Wires,
        begin: Callable[..., Updates],
        look: Callable[..., Updates],
        unlisted: Callable[..., Updates],
        asked: tuple[str, ...],
        menus: tuple[str, ...],
        beside: tuple[str, ...] = (),
    ) -> None:
        """The button, the timer that watches, what is in no menu, and the fold that is there once the owner's key fits."""
        parts, answered = wires.components, (*self._named(dict.fromkeys(("answer", "timer", "go"))), *menus)
        fields = tuple(self._named(dict.fromkeys(asked)))
        wires.on_visit(parts[f"{self.prefix}_go"].click, begin, fields, answered, trigger_mode="once")
        wires.on_visit(parts[f"{self.prefix}_timer"].tick, look, beside, answered, trigger_mode="once")

        seen = [parts["page"].ready, parts["page"].shown, parts[f"{self.prefix}_fold"].expand]
        wires.on_visit(seen, unlisted, (), tuple(self._named(dict.fromkeys(("fold", "unlisted")))))

        def opened(key: str) -> Updates:
            return self._named({"fold": gr.Accordion(visible=not owner.locked(key))})

        wires.on(parts["key"].change, opened, ("key",), (f"{self.prefix}_fold",), trigger_mode="multiple")

    def begin(
        self, services: Services, visitor: Visitor, source: str, whence: str, work: Callable[[], Iterator[FetchNews]]
    ) -> Updates:
        """Hands the work to the thread that fetches; ``whence`` is what is said where no ``source`` is named."""
        if not source:
            raise InputError(whence)

        def start(cancelled: Cancelled) -> Iterator[FetchNews]:
            return work()

        services.downloads.submit(self._key(visitor), start)
        return self._named(
            {
                "answer": notice(self.at_work, "hint"),
                "timer": gr.Timer(active=True),
                "go": gr.Button(interactive=False),
            }
        )

    def look(self, services: Services, visitor: Visitor, menus: Callable[[FetchNews], Mapping[str, Any]]) -> Updates:
        """How the work stands; at its end ``menus`` have what came of it."""
        if not visitor.owner:
            return self._named({"answer": notice(owner.REFUSAL), "timer": gr.Timer(active=False)})
        task = services.downloads.look(self._key(visitor))
        if task is not None and not task.finished:
            news = task.record.news[-1:] if task.record else []
            return self._named({"answer": notice(news[0] if news else self.at_work, "hint")})
        ended = self._named({"timer": gr.Timer(active=False), "go": gr.Button(interactive=True)})
        if task is None or task.error:
            return {**ended, **self._named({"answer": notice(task.error if task else GONE)})}
        return {**ended, **menus(task.record), **self._named({"answer": notice(" ".join(task.record.news), "hint")})}

    def missing(self, visitor: Visitor, sentences: Callable[[], Sequence[str]]) -> Updates:
        """Lists what is in the store's folder and cannot be offered, each with its reason; the fold's title says how many."""
        said = sentences() if visitor.owner else ()
        title = f"{self.title} ({len(said)} not listed)" if said else self.title
        told = Markup("").join(notice(sentence) for sentence in said)
        return self._named({"fold": gr.Accordion(label=title), "unlisted": told})

    def refused(self) -> Updates:
        """The sentence for a visitor who is not the owner."""
        return self._named({"answer": notice(owner.REFUSAL)})

    def _named(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        return {f"{self.prefix}_{name}": part for name, part in parts.items()}

    def _key(self, visitor: Visitor) -> str:
        return f"{self.task} {visitor.page}"
