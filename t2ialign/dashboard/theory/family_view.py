"""The f-divergence family in words and formulas, each with the line that stands for it in every chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from t2ialign.dashboard.shared.html import Look

DASHES = {"solid": "", "dash": "7 4", "dot": "2 3", "dashdot": "7 3 2 3"}
WORDS = {
    "reverse_kl": (
        "x log x",
        "The usual one, behind DPO and RLHF. It charges most for repeating a picture too often, and puts up with pictures "
        "that disappear.",
    ),
    "forward_kl": (
        "−log x",
        "Its mirror image. Letting a picture disappear costs without end; making one far more likely costs little.",
    ),
    "alpha": (
        "(x<sup>1−α</sup> − (1−α) x − α) / (α (α−1))",
        "Everything between the two: α near 0 is reverse KL, α near 1 forward KL.",
    ),
    "jensen_shannon": (
        "x log(2x/(x+1)) + log(2/(x+1))",
        "Treats both models alike and charges mildly on both sides. It starts at half the strength of the others.",
    ),
}


@dataclass(frozen=True)
class DivergenceCard:
    """A divergence as a card: ``strength`` is f''(1), ``beta`` what it is used with, ``shown`` whether it is on show."""

    name: str
    title: str
    look: Look
    dash: str
    strength: float
    beta: float
    shown: bool


def family(cards: Sequence[DivergenceCard]) -> str:
    """A card a divergence."""
    return f'<div class="t2-family">{"".join(_card(one) for one in cards)}</div>'


def heading(card: DivergenceCard) -> str:
    """What stands over a landscape: whose it is, and with which beta."""
    return (
        f'<h4 class="t2-divergence-title" style="{card.look.style}">{_line(card.dash)}{escape(card.title)}'
        f"<small>β = {card.beta:.3g}</small></h4>"
    )


def _card(one: DivergenceCard) -> str:
    formula, words = WORDS[one.name]
    return (
        f'<section class="t2-divergence{"" if one.shown else " off"}" style="{one.look.style}">'
        f'<h4>{_line(one.dash)}{escape(one.title)}</h4><p class="t2-formula">f(x) = {formula}</p><p>{words}</p>'
        f'<p class="t2-small">f″(1) = {one.strength:g}, used with β = {one.beta:.3g}</p></section>'
    )


def _line(dash: str) -> str:
    return (
        '<svg class="t2-line" viewBox="0 0 28 8" aria-hidden="true"><path d="M1 4 H27" fill="none" stroke="currentColor" '
        f'stroke-width="3" stroke-dasharray="{DASHES[dash]}"/></svg>'
    )
