"""The few tags that every piece shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from math import isinf

from t2ialign.charts.intervals import number
from t2ialign.types import Metric

ABOUT = "about-{place}-{metric}"


@dataclass(frozen=True)
class Look:
    """A checkpoint's colour on light and on dark pages."""

    light: str
    dark: str

    @property
    def style(self) -> str:
        return f"--light:{self.light};--dark:{self.dark}"


def who(name: str, look: Look) -> str:
    """A checkpoint's name with its mark of colour."""
    return f'<span class="t2-who" style="{look.style}">{escape(name)}</span>'


def notice(text: str, kind: str = "problem") -> str:
    """A sentence that stays until the next action; ``kind`` is ``problem`` or ``note``. Empty text is no notice."""
    if not text:
        return ""
    role = "alert" if kind == "problem" else "status"
    return f'<p class="t2-notice {kind}" role="{role}">{escape(text)}</p>'


def explained(metrics: Mapping[str, Metric], place: str) -> str:
    """One line that says which metric each word stands for, every one with its ``what is this?``."""
    each = "".join(
        f"<span>{escape(word)}: {escape(metric.title)} {about(metric, place)}</span>"
        for word, metric in metrics.items()
    )
    return f'<div class="t2-explained">{each}</div>'


def about(metric: Metric, place: str) -> str:
    """The ``what is this?`` button of a metric and the card that it opens; ``place`` keeps ids apart."""
    ident = ABOUT.format(place=place, metric=metric.name)
    caveat = f"<p><b>Caveat.</b> {escape(metric.caveat)}</p>" if metric.caveat else ""
    return (
        f'<button type="button" class="t2-ask" popovertarget="{ident}">What is this?</button>'
        f'<div popover id="{ident}" class="t2-card"><h3>{escape(metric.title)}</h3>'
        f"<p>{escape(metric.summary)}</p><p>{escape(_range(metric))}</p>{caveat}"
        f'<p class="t2-source">{escape(metric.reference)}</p></div>'
    )


def _range(metric: Metric) -> str:
    """``0 to 1, share of claims. Higher is better.``"""
    lo, hi = metric.bounds
    if isinf(lo):
        ends = "any number" if isinf(hi) else f"up to {number(hi)}"
    else:
        ends = f"{number(lo)} and up" if isinf(hi) else f"{number(lo)} to {number(hi)}"
    unit = f", {metric.unit}" if metric.unit else ""
    return f"{ends[:1].upper()}{ends[1:]}{unit}. {'Higher' if metric.higher_is_better else 'Lower'} is better."
