"""The film of a training run: a button, a slider over its steps, and the places that the browser moves the cloud to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.templates import render
from t2ialign.types import content_key

DIGITS = 3


@dataclass(frozen=True)
class FilmData:
    """Steps of a run, and for each plot (by element id) the cloud at each of them and the path of its middle."""

    steps: Sequence[int]
    pairs: Sequence[int]
    plots: Mapping[str, Mapping[str, Any]]


def player(film: FilmData) -> str:
    """The controls; the places travel in the element itself."""
    record = {"steps": list(film.steps), "pairs": list(film.pairs), "plots": _short(film.plots)}
    data = json.dumps(record, separators=(",", ":"))
    return render(
        "theory/player.html", stamp=content_key(record), data=data, step=film.steps[-1], last=len(film.steps) - 1
    )


def no_film(words: str) -> str:
    """What stands there without a run."""
    return notice(words, "hint")


def _short(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _short(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_short(part) for part in value]
    return round(value, DIGITS) if isinstance(value, float) else value
