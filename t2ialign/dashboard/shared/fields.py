"""What fields hold: a cleared number is ``None``, and a raw request may say anything in the place of any value."""

from __future__ import annotations

import math
from typing import Any

import gradio as gr

from t2ialign.limits import MAX_PROMPT, is_text
from t2ialign.types import InputError

LONGEST = (
    5 * MAX_PROMPT
)  # letters of all that is chosen in a menu, or asked of an endpoint: answers are kept under them


def number_in(value: float | None, name: str) -> float:
    """The number of a field called ``name``; ``InputError`` where it is empty."""
    if value is None or math.isnan(value):
        raise InputError(f"{name} is empty; fill in a number.")
    return float(value)


def whole_in(value: float | None, name: str) -> int:
    """The same as a whole number; ``InputError`` where it is none."""
    number = number_in(value, name)
    if not math.isfinite(number) or number != int(number):
        raise InputError(f"{name} is {number:g}; fill in a whole number.")
    return int(number)


def held(component: Any, value: Any) -> Any:
    """A component's value, where it is of the component's kind and its texts are texts. Gradio takes tick boxes as they come.

    What an untouched field of text sends, ``None``, is no text: ``""``.

    Raises:
        InputError: it is not.
    """
    if isinstance(component, gr.Checkbox) and not isinstance(value, bool | None):
        raise InputError(f"{component.label or 'A tick box'} is ticked or not, and nothing else.")
    if isinstance(component, gr.Slider | gr.Number) and not (_number(value) or value is None):
        raise InputError(f"{component.label or 'A field of numbers'} holds a number, not {str(value)[:40]!r}.")
    if isinstance(component, gr.Dropdown | gr.Radio | gr.CheckboxGroup):
        _choices(component, value)
    if isinstance(component, gr.HTML | gr.Textbox) and not isinstance(value, _kind(component) | None):
        raise InputError(f"A field holds {str(value)[:40]!r}, which is nothing of its kind: load the page anew.")
    if not all(map(is_text, texts_in(value))):
        raise InputError("A text holds half a letter, which cannot be kept: type it again.")
    return "" if value is None and isinstance(component, gr.Textbox) else value


def _kind(component: Any) -> type:
    """Of a text field a text; what scripts keep in a piece of HTML is of the kind of its first value."""
    return list if isinstance(component, gr.HTML) and isinstance(component.value, list) else str


def _choices(component: Any, value: Any) -> None:
    several = isinstance(component, gr.CheckboxGroup) or bool(getattr(component, "multiselect", False))
    if several and not isinstance(value, list | None):
        raise InputError(f"{component.label or 'A menu'} holds a list of choices, not {str(value)[:40]!r}.")
    for one in (value or ()) if several else (value,):
        if not isinstance(one, str | None) and not _number(one):
            raise InputError(f"{component.label or 'A menu'} offers no {str(one)[:40]!r}.")
    check_length(value, component.label or "A menu")


def check_length(value: Any, name: str) -> None:
    """``InputError`` for a value whose texts are longer together than anything that is meant."""
    if sum(map(len, texts_in(value))) > LONGEST:
        raise InputError(f"{name} holds more than {LONGEST:,} letters: say less.")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def texts_in(value: Any) -> list[str]:
    """All texts within a value as JSON has it."""
    waiting, found = [value], []
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, list | tuple):
            waiting.extend(one)
        elif isinstance(one, dict):
            waiting.extend([*one, *one.values()])
    return found
