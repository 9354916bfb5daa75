"""The f-divergence family in words and formulas, each with the line that stands for it in every chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from t2ialign.dashboard.shared.html import Look
from t2ialign.dashboard.shared.templates import render

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
        Markup("(x<sup>1−α</sup> − (1−α) x − α) / (α (α−1))"),
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
    return render("theory/family.html", cards=cards, words=WORDS, dashes=DASHES)


def heading(card: DivergenceCard) -> str:
    """What stands over a landscape: whose it is, and with which beta."""
    return render("theory/heading.html", card=card, dashes=DASHES)
