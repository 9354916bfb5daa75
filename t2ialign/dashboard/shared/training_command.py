"""A training request as the command line that does the same, and back: the very line that the supervisor starts."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from t2ialign.use_cases.align.request import AlignRequest, controls

PROGRAM = ("python", "-m", "t2ialign")
TEXTS, NUMBERS = ("name", "backbone", "parent", "pairs"), ("steps", "seed")


def command_of(request: AlignRequest) -> tuple[str, ...]:
    """What follows ``python -m t2ialign``; what is left at its default is left out."""
    plain = AlignRequest(request.method, request.name)
    words = ["align", request.method, "--name", request.name]
    for name in (*TEXTS[1:], *NUMBERS):
        value = getattr(request, name)
        if value != getattr(plain, name):
            words += [f"--{name}", str(value)]
    for name, value in request.options:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        words.append(f"--{name.replace('_', '-')}={text}")
    return tuple(words)


def request_of(command: Sequence[str]) -> AlignRequest:
    """The request behind a command that ``command_of`` has written (or a person, with the same options)."""
    words = list(command[2:])
    said: dict[str, str] = {}
    while words:
        name, equals, value = words.pop(0).removeprefix("--").partition("=")
        if not equals:
            value = words.pop(0) if words and not words[0].startswith("--") else "true"
        said[name.replace("-", "_")] = value
    known = {name: said.pop(name) for name in TEXTS if name in said}
    numbers = {name: int(said.pop(name)) for name in NUMBERS if name in said}
    return AlignRequest(method=command[1], **{"name": command[1], **known}, **numbers, options=tuple(said.items()))


def in_a_line(command: Sequence[str]) -> str:
    """As one types it."""
    return shlex.join([*PROGRAM, *command])


def differing(request: AlignRequest, small: bool) -> AlignRequest:
    """The same request with only those options that differ from what the method does by itself."""
    usual = {control.name: control.default(small) for control in controls(request.method)}
    kept = tuple((name, value) for name, value in request.options if name not in usual or value != usual[name])
    return AlignRequest(**{**vars(request), "options": kept})
