"""What people may call a checkpoint or a prompt set, and what they hear of a name that there is not."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from t2ialign.types import InputError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # a folder's too
CONTENT = re.compile(r"#[0-9a-f]+")  # behind a checkpoint's name where a config says which file it was
RULE = "letters, digits, '.', '_' and '-', 100 at most"


def check_name(name: str, what: str) -> str:
    """The name itself; ``InputError`` where it is none. ``what`` begins the sentence: ``The new checkpoint``."""
    if NAME.fullmatch(name):
        return name
    raise InputError(f"{what} needs a name of {RULE}, as my_{what.split()[-1]}, not {name[:80]!r}.")


def as_said(value: float | str) -> str:
    """A guidance parameter's value as people write it: a number, or the checkpoint that it names without its content."""
    return CONTENT.sub("", value) if isinstance(value, str) else f"{value:g}"


def unknown(kind: str, name: str, known: Iterable[str]) -> InputError:
    """The sentence for a name that does not exist, with the nearest that does."""
    names = sorted(known)
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(names) or 'none: there is none yet'}."
    return InputError(f"There is no {kind} called {name[:80]!r}: {hint}")
