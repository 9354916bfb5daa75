"""The methods as cards, by what they learn from: what each does in plain words, and its paper."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from t2ialign.dashboard.shared.templates import render
from t2ialign.methods.method import DataKind, Method


@dataclass(frozen=True)
class CardGroup:
    """The methods that learn from one kind of data; ``have`` is how a person says that there is such data."""

    kind: DataKind
    title: str
    have: str
    methods: tuple[Method, ...] = ()


GROUPS = (
    CardGroup("pairs", "Learns from pairs", "pairs"),
    CardGroup("unpaired", "Learns from likes and dislikes", "likes"),
    CardGroup("selected", "Learns from its own pictures", "only prompts"),
    CardGroup("reward", "Draws and learns from a reward", "a reward"),
)


def method_cards(methods: Iterable[Method], chosen: str) -> str:
    """One button a method, grouped; the buttons above leave the groups for which one has data."""
    known = tuple(methods)
    groups = [
        CardGroup(group.kind, group.title, group.have, found)
        for group in GROUPS
        if (found := tuple(method for method in known if method.data == group.kind))
    ]
    return render("align/methods.html", groups=groups, methods=known, chosen=chosen)
