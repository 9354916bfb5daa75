"""Prompts to begin with, by category: one click fills the prompt box."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from t2ialign.types import Prompt

EACH = 12


def chips(prompts: Sequence[Prompt]) -> str:
    """A row of categories and, for the one that is open, a row of its prompts."""
    groups: dict[str, list[Prompt]] = {}
    for prompt in prompts:
        groups.setdefault(prompt.category or "prompts", []).append(prompt)
    pills = "".join(
        f'<button type="button" class="t2-pill" data-category="{escape(name)}" aria-pressed="{str(not index).lower()}">'
        f"{escape(name)}</button>"
        for index, name in enumerate(groups)
    )
    rows = "".join(_row(name, known[:EACH], hidden=bool(index)) for index, (name, known) in enumerate(groups.items()))
    return f'<div class="t2-chips"><div class="t2-pills" role="group" aria-label="Kinds of prompts">{pills}</div>{rows}</div>'


def _row(name: str, prompts: Sequence[Prompt], hidden: bool) -> str:
    buttons = "".join(
        f'<button type="button" class="t2-chip" data-prompt="{escape(prompt.text)}">{escape(prompt.text)}</button>'
        for prompt in prompts
    )
    return f'<div class="t2-chip-row" data-category="{escape(name)}"{" hidden" if hidden else ""}>{buttons}</div>'
