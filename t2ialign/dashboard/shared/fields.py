"""What number fields hold: a cleared one is ``None``, and any can hold what is no number."""

from __future__ import annotations

import math

from t2ialign.types import InputError


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
