"""What a training run would learn from: pairs with the winner first, or the pictures a method would keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class ShownPair:
    """Two pictures of a prompt as addresses; ``win`` was preferred."""

    prompt: str
    win: str
    lose: str


@dataclass(frozen=True)
class ShownChoice:
    """All candidates of a prompt as addresses, and whether each would be kept."""

    prompt: str
    pictures: Sequence[tuple[str, bool]]


def pairs(found: Sequence[ShownPair], source: str, small: bool) -> str:
    """A few pairs, the winner on the left."""
    tiles = "".join(
        f'<figure><div><img class="win" src="{pair.win}" alt="preferred"><img src="{pair.lose}" alt="not preferred"></div>'
        f"<figcaption>{escape(pair.prompt)}</figcaption></figure>"
        for pair in found
    )
    head = f"<p>Preferred on the left, by {escape(source)}.</p>"
    return f'<div class="t2-pairs{" hard" if small else ""}">{head}<div class="t2-pair-grid">{tiles}</div></div>'


def kept(found: Sequence[ShownChoice], measure: str, small: bool) -> str:
    """Candidates of a few prompts; those that would be kept are framed."""
    rows = "".join(
        f"<figure><div>{''.join(_candidate(*one) for one in choice.pictures)}</div>"
        f"<figcaption>{escape(choice.prompt)}</figcaption></figure>"
        for choice in found
    )
    head = f"<p>Framed: kept to learn from, by {escape(measure)}.</p>"
    return f'<div class="t2-pairs choices{" hard" if small else ""}">{head}{rows}</div>'


def _candidate(address: str, is_kept: bool) -> str:
    return f'<img{" class=win" if is_kept else ""} src="{address}" alt="{"kept" if is_kept else "left out"}">'
