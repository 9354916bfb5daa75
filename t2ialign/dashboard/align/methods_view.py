"""The methods as cards: what each does in plain words, what it learns from, and its paper."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from t2ialign.methods.method import Method

LEARNS_FROM = {
    "pairs": "learns from pairs",
    "unpaired": "learns from likes and dislikes",
    "selected": "learns from its own pictures",
}


def method_cards(methods: Iterable[Method], chosen: str) -> str:
    """One button a method."""
    cards = "".join(_card(method, method.name == chosen) for method in methods)
    return f'<div class="t2-methods" role="group" aria-label="Methods">{cards}</div>'


def _card(method: Method, chosen: bool) -> str:
    return (
        f'<button type="button" class="t2-method" data-method="{escape(method.name)}" aria-pressed="{str(chosen).lower()}">'
        f"<b>{escape(method.title)}</b><i>{LEARNS_FROM[method.data]}</i><span>{escape(method.summary)}</span>"
        f"<small>{escape(method.citation)}</small></button>"
    )
