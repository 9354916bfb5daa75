"""The endpoints as Markdown, for docs/api.md: made from the very records that check what is asked.

``python -m t2ialign api`` prints it.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from t2ialign.codec import encode
from t2ialign.dashboard.api.endpoint import Endpoint
from t2ialign.dashboard.api.endpoints import ENDPOINTS


def lines() -> Iterator[str]:
    """Every endpoint with its parameters and what it answers, then the records of the answers."""
    for endpoint in ENDPOINTS:
        yield from _endpoint(endpoint)
    yield from ("### What they answer", "")
    for record in dict.fromkeys(_records(tuple(one.answered for one in ENDPOINTS))):
        hints = get_type_hints(record)
        says = " ".join((record.__doc__ or "").split())
        parts = ", ".join(f"`{one.name}` ({_type(hints[one.name])})" for one in fields(record))
        yield from (f"**{record.__name__}**: {says} {parts}.", "")


def _endpoint(endpoint: Endpoint) -> Iterator[str]:
    whose = " *The owner's.*" if endpoint.access == "owner" else ""
    yield from (f"### `{endpoint.name}`", "", f"{endpoint.says}{whose} Answers **{endpoint.answered.__name__}**.", "")
    if endpoint.parameters:
        yield from ("| parameter | type | default | meaning |", "|---|---|---|---|")
    for one in endpoint.parameters:
        usual = "needed" if one.needed else f"`{encode(one.usual)!r}`"
        yield f"| `{one.name}` | {_type(one.hint)} | {usual} | {one.says.replace('|', ' or ')} |"
    if endpoint.parameters:
        yield ""


def _records(kinds: tuple[Any, ...]) -> Iterator[type]:
    """The records themselves, and those within them."""
    for kind in kinds:
        if is_dataclass(kind) and isinstance(kind, type):
            yield kind
            yield from _records(tuple(get_type_hints(kind).values()))
        else:
            yield from _records(get_args(kind))


def _type(hint: Any) -> str:
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "null"}
    if hint in names:
        return names[hint]
    if get_origin(hint) is tuple:
        return f"list of {_type(get_args(hint)[0])}"
    if get_origin(hint) is Literal:
        return " or ".join(map(str, get_args(hint)))
    if isinstance(hint, types.UnionType):
        return " or ".join(map(_type, get_args(hint)))
    return f"**{hint.__name__}**"
