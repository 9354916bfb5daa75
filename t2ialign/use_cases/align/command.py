"""A training request as the command line that does the same: the page shows it, and the supervisor starts it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

from t2ialign.methods.method import ModelKind
from t2ialign.use_cases.align.request import AlignRequest, controls

PROGRAM = ("python", "-m", "t2ialign")
SAID = ("backbone", "parent", "pairs", "steps", "seed")


def command_of(request: AlignRequest) -> tuple[str, ...]:
    """What follows ``python -m t2ialign``; what is left at its default is left out."""
    plain = AlignRequest(request.method, request.name)
    words = ["align", request.method, "--name", request.name]
    for name in SAID:
        value = getattr(request, name)
        if value != getattr(plain, name):
            words += [f"--{name}", str(value)]
    for name, value in request.options:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        words.append(f"--{name.replace('_', '-')}={text}")
    return tuple(words)


def in_a_line(command: Sequence[str]) -> str:
    """As one types it."""
    return shlex.join([*PROGRAM, *command])


def differing(request: AlignRequest, small: bool, kind: ModelKind | None = None) -> AlignRequest:
    """The same request with only those options that differ from what the method does by itself on such a model."""
    usual = {control.name: control.default(small) for control in controls(request.method, kind)}
    kept = tuple((name, value) for name, value in request.options if name not in usual or value != usual[name])
    return replace(request, options=kept)
