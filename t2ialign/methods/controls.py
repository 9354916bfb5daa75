"""Fields that people may set: a dataclass field with its label, range and defaults, and values read from text.

The Align page draws one control a field and the command line has one option a field, both from here.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_type_hints

from t2ialign.names import unknown
from t2ialign.types import InputError

Value = int | float | bool | str
YES, NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True)
class Control:
    """One field as a page or a command line shows it.

    ``published`` is what the paper or its code uses on Stable Diffusion, ``embedded`` what a small model needs (the same
    where nothing else is known). ``lo``, ``hi`` and ``step`` are for numbers; ``choices`` are a text's (``free``: mere
    suggestions).
    """

    name: str
    kind: type
    label: str
    help: str
    published: Value
    embedded: Value
    lo: float = -math.inf
    hi: float = math.inf
    step: float = 0.0
    choices: tuple[str, ...] = ()
    free: bool = False
    group: str = ""

    def default(self, small: bool) -> Value:
        return self.embedded if small else self.published

    def read(self, said: Any) -> Value:
        """A value from what a person wrote, or a sentence that names the field and what it takes."""
        return {bool: self._switch, int: self._number, float: self._number, str: self._text}[self.kind](said)

    def _number(self, said: Any) -> int | float:
        try:
            value = float(said)
        except (TypeError, ValueError):
            value = math.nan
        whole = self.kind is int
        if not self.lo <= value <= self.hi or (whole and not value.is_integer()):
            what = "a whole number" if whole else "a number"
            raise InputError(f"{self.label} must be {what} from {self.lo:g} to {self.hi:g}, not {str(said)[:20]!r}.")
        return int(value) if whole else value

    def _switch(self, said: Any) -> bool:
        word = str(said).strip().lower()
        if word not in YES + NO:
            raise InputError(f"{self.label} is either on or off (true or false), not {str(said)[:20]!r}.")
        return word in YES

    def _text(self, said: Any) -> str:
        text = str(said).strip()
        if self.choices and not self.free and text not in self.choices:
            raise unknown(self.label.lower(), text, self.choices)
        return text


def option(
    default: Value,
    label: str,
    help: str = "",
    lo: float = -math.inf,
    hi: float = math.inf,
    step: float = 0.0,
    choices: tuple[str, ...] = (),
    free: bool = False,
    embedded: Value | None = None,
) -> Any:
    """A dataclass field that people may set; ``default`` is the published one, ``embedded`` that of a small model."""
    said = {"label": label, "help": help, "lo": lo, "hi": hi, "step": step, "choices": choices, "free": free}
    said |= {"published": default, "embedded": default if embedded is None else embedded}
    return dataclasses.field(default=default, metadata=said)


def controls_of(
    options: type, group: str, published: Mapping[str, Value] | None = None, embedded: Mapping[str, Value] | None = None
) -> tuple[Control, ...]:
    """The controls of a dataclass of options; ``published`` and ``embedded`` replace its defaults by name."""
    kinds, found = _kinds(options), list[Control]()
    for field in dataclasses.fields(options):
        said = dict(field.metadata)
        first: Value = (published or {}).get(field.name, said.pop("published"))
        small: Value = (embedded or {}).get(field.name, said.pop("embedded"))
        found.append(Control(field.name, kinds[field.name], published=first, embedded=small, group=group, **said))
    return tuple(found)


@cache
def _kinds(options: type) -> dict[str, Any]:
    return get_type_hints(options)


def read_values(controls: Iterable[Control], said: Mapping[str, Any], small: bool) -> dict[str, Value]:
    """A value for every control: what was said, or the default; a name that does not exist is answered with the nearest."""
    known = {control.name: control for control in controls}
    for name in said:
        if name not in known:
            raise unknown("option", name, known)
    return {
        name: control.read(said[name]) if name in said else control.default(small) for name, control in known.items()
    }
