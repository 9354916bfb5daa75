"""The sample strip: the same prompts and seeds drawn again and again while a model trains, from step 0 on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from t2ialign.dashboard.shared.templates import render


@dataclass(frozen=True)
class Moment:
    """The pictures of one step: for each prompt, in one order, the addresses of its seeds' pictures."""

    step: int
    rows: Sequence[tuple[str, Sequence[str]]]


def strip(moments: Sequence[Moment], small: bool) -> str:
    """A column a moment, a row a prompt, all seeds of a cell beside each other."""
    return render("align/samples.html", moments=moments, small=small)
