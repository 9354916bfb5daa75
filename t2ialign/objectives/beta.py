"""What every objective asks of its beta."""

from __future__ import annotations

import math

from t2ialign.types import InputError


def check_beta(beta: float) -> None:
    """Refuses a beta that is no finite number above 0."""
    if not (math.isfinite(beta) and beta > 0):
        raise InputError(f"beta must be a number above 0, not {beta:g}: 1 is a good start, more is stricter.")
