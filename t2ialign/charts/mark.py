"""What lies behind a mark of a chart, as the word that the page hears when it is clicked.

A bare word is the key of a config, whose point opens. The others name a checkpoint, several configs, a cell of a config, or two
metrics.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

CHECKPOINT, CONFIGS, CELL, PAIR = "checkpoint", "configs", "cell", "pair"
MOST = 100  # configs behind one mark


class Behind(NamedTuple):
    """``kind`` is empty for a config; ``names`` are what the kind takes, one or two, of configs two or more."""

    kind: str
    names: tuple[str, ...]


def checkpoint(name: str) -> str:
    return f"{CHECKPOINT}:{name}"


def configs(keys: Sequence[str]) -> str:
    """One config's own key, or the list of several; nothing of none."""
    return ":".join([CONFIGS, *keys]) if len(keys) > 1 else "".join(keys)


def cell(config: str, key: str) -> str:
    return f"{CELL}:{config}:{key}"


def pair(one: str, other: str) -> str:
    return f"{PAIR}:{one}:{other}"


def read(word: str) -> Behind | None:
    """What a word says; None of what is no such word, for it comes from a browser."""
    kind, *rest = word.split(":")
    if not rest:
        return Behind("", (kind,)) if kind else None
    if kind == CHECKPOINT:
        return Behind(kind, (word.partition(":")[2],))
    if kind == CONFIGS and 2 <= len(rest) <= MOST:
        return Behind(kind, tuple(rest))
    if kind in (CELL, PAIR) and len(rest) == 2:
        return Behind(kind, tuple(rest))
    return None
