"""One control on the page for every field that some method has; choosing a method relabels and refills them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import gradio as gr

from t2ialign.methods import METHODS
from t2ialign.methods.controls import Control, Value
from t2ialign.methods.method import ModelKind
from t2ialign.source import parse_source
from t2ialign.types import InputError
from t2ialign.use_cases.align.request import AlignRequest, controls

GROUPS = {
    "method": "Of this method",
    "rollouts": "What it draws at every step",
    "training": "Adapter and optimiser",
    "pictures": "Pictures it learns from",
    "watch": "What is measured",
}
PLACES = 1000  # a slider with more would be a lottery
MENUS = frozenset({"prompts"})  # texts that a menu helps with, whose entries are only known while the page is served
ASKED = ("name", "parent", "pairs", "steps", "seed")  # what every request has beside its method and its fields


def fields_by_group() -> dict[str, list[str]]:
    """The names of all fields there are, each once, by the group they are shown in."""
    found: dict[str, dict[str, None]] = {group: {} for group in GROUPS}
    for method in METHODS.values():
        for control in method.controls():
            found[control.group][control.name] = None
    return {group: list(names) for group, names in found.items()}


def all_fields() -> list[str]:
    """Their names, in the order of the page."""
    return [name for names in fields_by_group().values() for name in names]


def component(name: str) -> gr.components.Component:
    """The control of a field, hidden until a method that has it is chosen."""
    known = [control for method in METHODS.values() for control in method.controls() if control.name == name]
    first = known[0]
    common: dict[str, Any] = {"visible": False, "elem_id": f"t2-field-{name}", "min_width": 150}
    if first.kind is bool:
        return gr.Checkbox(False, label=first.label, **common)
    if name in MENUS:
        return gr.Dropdown([""], value="", label=first.label, allow_custom_value=True, **common)
    if first.kind is str and first.choices:
        choices = list(dict.fromkeys(choice for one in known for choice in one.choices))
        return gr.Dropdown(choices, label=first.label, allow_custom_value=any(one.free for one in known), **common)
    if first.kind is str:
        return gr.Textbox("", label=first.label, **common)
    if all(is_slidable(control) for control in known) and len({(c.lo, c.hi, c.step) for c in known}) == 1:
        return gr.Slider(first.lo, first.hi, step=first.step, label=first.label, buttons=[], **common)
    return gr.Number(label=first.label, **common)


def is_slidable(control: Control) -> bool:
    """Whether a number is shown as a slider: its steps meet every default, and are few enough to aim at."""
    if control.step <= 0 or not math.isfinite(control.hi - control.lo):
        return False
    defaults = [(float(value) - control.lo) / control.step for value in (control.published, control.embedded)]
    on_grid = all(abs(place - round(place)) < 1e-6 for place in defaults)
    return on_grid and (control.hi - control.lo) / control.step <= PLACES


def shown(
    method: str, small: bool, menus: Mapping[str, Sequence[str]] = {}, kind: ModelKind | None = None
) -> dict[str, Any]:
    """Updates for the controls of every field: those that the method has on a kind of model, with its words and defaults.

    ``menus`` are the entries of the ``MENUS``.
    """
    own = {control.name: control for control in controls(method, kind)}
    found = {name: update(own[name], small) if name in own else gr.update(visible=False) for name in all_fields()}
    return found | {name: found[name] | {"choices": list(menu)} for name, menu in menus.items() if name in own}


def update(control: Control, small: bool) -> Any:
    """A control with the words, range and default of one method's field."""
    said: dict[str, Any] = {
        "label": control.label,
        "info": told(control),
        "value": control.default(small),
        "visible": True,
    }
    if control.kind is str and control.choices:
        said["choices"] = list(control.choices)
    return gr.update(**said)  # ranges are checked by ``Control.read``: Gradio's own check knows the last method's only


def told(control: Control) -> str:
    """The help text under a control: what it does, its range where no slider shows it, and the paper's value."""
    parts = [control.help] if control.help else []
    if control.kind in (int, float) and not is_slidable(control):
        parts.append(f"{number(control.lo)} to {number(control.hi)}.")
    if control.group != "watch" and control.published != "":
        parts.append(f"Published: {_said(control.published)}.")
    return " ".join(parts)


def number(value: float) -> str:
    """``20,000``, ``0.01``, ``1e-05``."""
    return f"{value:,.0f}" if abs(value) >= 1000 and float(value).is_integer() else f"{value:g}"


def _said(value: Value) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return number(value) if isinstance(value, (int, float)) else value


def request_from(method: str, values: Mapping[str, Any], kind: ModelKind | None = None) -> AlignRequest:
    """The form as a request; ``values`` by the names in ``ASKED`` and of the fields that are shown of that kind of model.

    Raises:
        InputError: no method is chosen, or a number is missing.
    """
    if not method:
        raise InputError("Choose a method first: click one of the cards.")
    options: list[tuple[str, Value]] = []
    for control in controls(method, kind):
        value = values[control.name]
        if value is None and control.kind in (int, float):
            raise InputError(f"{control.label} is empty: fill in a number from {control.lo:g} to {control.hi:g}.")
        options.append((control.name, control.read("" if value is None else value)))
    return AlignRequest(
        method=method,
        name=str(values["name"] or "").strip(),
        parent=str(values["parent"] or "base"),
        pairs=parse_source(str(values["pairs"] or "")),
        steps=_whole(values["steps"], "The number of steps", 1),
        seed=_whole(values["seed"], "The seed", 0),
        options=tuple(options),
    )


def by_name(values: Sequence[Any], names: Iterable[str]) -> dict[str, Any]:
    """Values in the order of their names."""
    return dict(zip(names, values, strict=True))


def _whole(value: Any, what: str, least: int) -> int:
    if value is None or not float(value).is_integer() or value < least:
        raise InputError(f"{what} must be a whole number from {least} up.")
    return int(value)
