"""The requests of training jobs that were stored as command lines alone, before a job kept its request.

Released: what it makes of a line never changes. Requests of today are written and read by ``codec``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

TRAINING = "align"
TEXTS, NUMBERS = ("name", "backbone", "parent", "pairs"), ("steps", "seed")


def request_in(kind: str, command: Sequence[str]) -> dict[str, Any]:
    """``align f_dpo --name mine --beta=2`` as a training request's record; empty for any other job's line."""
    if kind != TRAINING or len(command) < 2:
        return {}
    words, said = list(command[2:]), {}
    while words:
        name, equals, value = words.pop(0).removeprefix("--").partition("=")
        if not equals:
            value = words.pop(0) if words and not words[0].startswith("--") else "true"
        said[name.replace("-", "_")] = value
    texts = {name: said.pop(name) for name in TEXTS if name in said}
    numbers = {name: int(said.pop(name)) for name in NUMBERS if said.get(name, "").isdecimal()}
    return {"method": command[1], "name": command[1], **texts, **numbers, "options": said}
