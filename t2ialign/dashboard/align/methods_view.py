"""The methods as cards: what each does in plain words, what it learns from, and its paper."""

from __future__ import annotations

from collections.abc import Iterable

from t2ialign.dashboard.shared.templates import render
from t2ialign.methods.method import Method

LEARNS_FROM = {
    "pairs": "learns from pairs",
    "unpaired": "learns from likes and dislikes",
    "selected": "learns from its own pictures",
}


def method_cards(methods: Iterable[Method], chosen: str) -> str:
    """One button a method."""
    return render("align/methods.html", methods=list(methods), chosen=chosen, learns_from=LEARNS_FROM)
