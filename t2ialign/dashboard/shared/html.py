"""The few tags that every piece shares, as functions; ``templates/macros.html`` has them for templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from t2ialign.dashboard.shared.templates import call
from t2ialign.types import Metric

MACROS = "shared/macros.html"


@dataclass(frozen=True)
class Look:
    """A checkpoint's colour on light and on dark pages."""

    light: str
    dark: str

    @property
    def style(self) -> str:
        return f"--light:{self.light};--dark:{self.dark}"


def who(name: str, look: Look) -> Markup:
    """A checkpoint's name with its mark of colour."""
    return call(MACROS, "who", name, look)


def notice(text: str, kind: str = "problem") -> Markup:
    """A sentence that stays until the next action; ``kind`` is ``problem`` or ``note``. Empty text is no notice."""
    return call(MACROS, "notice", text, kind)


def explained(metrics: Mapping[str, Metric], place: str) -> Markup:
    """One line that says which metric each word stands for, every one with its ``what is this?``."""
    return call(MACROS, "explained", metrics, place)


def about(metric: Metric, place: str) -> Markup:
    """The ``what is this?`` button of a metric and the card that it opens; ``place`` keeps ids apart."""
    return call(MACROS, "about", metric, place)


def heading(text: str) -> Markup:
    """What stands over a part of a page."""
    return call(MACROS, "heading", text)


def paragraph(text: str) -> Markup:
    """A sentence or a few."""
    return call(MACROS, "paragraph", text)
