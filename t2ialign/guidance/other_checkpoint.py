"""The checkpoint that a strategy names by a parameter: as people write it, and as a config keeps it, by its content.

People write ``early``, ``early@0.5`` or a blend; a config has the short SHA-256 of each file behind its name too, as
``early@0.5#0a1b2c3d4e5f``, so that a file of the same name and another content is another cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from t2ialign.types import AdapterUse, InputError

PART = re.compile(r"([^@#]+)(?:@([^@#]+))?(?:#([0-9a-f]+))?")  # name, weight, sha


def identified(uses: Sequence[AdapterUse]) -> str:
    """Adapters as a config keeps them."""
    parts = (f"{use.name}{'' if use.weight == 1 else f'@{use.weight:g}'}" for use in uses)
    return "+".join(f"{part}#{use.sha}" if use.sha else part for part, use in zip(parts, uses, strict=True))


def uses_in(value: str) -> tuple[AdapterUse, ...]:
    """Inverse of ``identified``.

    Raises:
        InputError: something else.
    """
    found = []
    for part in value.split("+"):
        said = PART.fullmatch(part.strip())
        try:
            if said is None:
                raise ValueError
            name, weight, sha = said.groups()
            found.append(AdapterUse(name, float(weight or 1), sha or ""))
        except ValueError:
            raise InputError(f"{value[:60]!r} names no checkpoint: write name, name@0.5 or a@0.5+b@0.5.") from None
    return tuple(found)


def named_by(parameter: str, params: Iterable[tuple[str, float | str]] | Mapping[str, float | str]) -> str:
    """What the parameter that names a checkpoint says in some parameters; "" where a strategy has none, or it says nothing."""
    said = dict(params).get(parameter, "") if parameter else ""
    return said if isinstance(said, str) else ""
