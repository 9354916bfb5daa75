"""What a training run would learn from: pairs with the winner first, or the pictures a method would keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.templates import render


@dataclass(frozen=True)
class ShownPair:
    """Two pictures of a prompt as addresses; ``win`` was preferred."""

    prompt: str
    win: str
    lose: str


@dataclass(frozen=True)
class ShownChoice:
    """All candidates of a prompt as addresses, and whether each would be kept."""

    prompt: str
    pictures: Sequence[tuple[str, bool]]


def pairs(found: Sequence[ShownPair], source: str, small: bool, notes: Sequence[str] = ()) -> str:
    """A few pairs, the winner on the left, after what people should know of all of them."""
    return said_before(notes) + render("align/pairs.html", pairs=found, source=source, small=small)


def kept(found: Sequence[ShownChoice], measure: str, small: bool, notes: Sequence[str] = ()) -> str:
    """Candidates of a few prompts; those that would be kept are framed."""
    return said_before(notes) + render("align/kept.html", choices=found, measure=measure, small=small)


def said_before(notes: Sequence[str]) -> Markup:
    """Notes above the examples, one line each."""
    return Markup().join(notice(note, "note") for note in notes)
