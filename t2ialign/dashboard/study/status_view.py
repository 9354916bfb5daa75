"""A study as its owner sees it: where it stands, how people are invited, and what has happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from t2ialign.dashboard.shared.words import counted, duration

STATES = {
    "draft": "Draft",
    "open": "Open",
    "paused": "Paused",
    "closed": "Closed",
}
NOBODY = (
    '<div class="t2-empty slim"><h3>Ask people</h3><p>Describe what to compare, look at it as a rater would, open it and '
    "share the link. The results are live, and the votes can train an adapter.</p></div>"
)


@dataclass(frozen=True)
class Standing:
    """Where a study stands. ``missing`` of ``batches`` have no pictures yet; ``fraction`` is how far making them is.

    ``key`` is the owner's signature of a draft's preview.
    """

    study: str
    title: str
    state: str
    answers: int
    target: int
    surveys: int
    hash: str = ""
    missing: int = 0
    batches: int = 0
    fraction: float | None = None
    remaining: float | None = None
    key: str = ""


def standing(one: Standing) -> str:
    """The state as a word, the answers as a bar, and for a draft its pictures and the way to its preview."""
    facts = [f'<span class="t2-state {one.state}">{STATES[one.state]}</span>', *_facts(one)]
    bar = _bar(_share(one))
    return (
        f'<section class="t2-study" data-study="{escape(one.study)}"><h2>{escape(one.title)}</h2>'
        f"<p>{' '.join(facts)}</p>{bar}{_preview(one)}</section>"
    )


def _share(one: Standing) -> float:
    """How full the bar is: of pictures while it is a draft, of answers afterwards."""
    if one.fraction is not None:
        return one.fraction
    done, of = (one.batches - one.missing, one.batches) if one.state == "draft" else (one.answers, one.target)
    return min(done / max(of, 1), 1.0)


def _facts(one: Standing) -> list[str]:
    if one.fraction is not None:
        left = f", about {duration(one.remaining)} left" if one.remaining else ""
        return [f"<span>Making the pictures: {one.fraction:.0%}{left}.</span>"]
    if one.state == "draft":
        ready = one.batches - one.missing
        return [f"<span>{ready} of {counted(one.batches, 'batch', 'batches')} of pictures ready.</span>"]
    frozen = f'<span title="{escape(one.hash)}">Frozen as {escape(one.hash[:12])}.</span>' if one.hash else ""
    said = f"<span>{one.answers:,} of {counted(one.target, 'answer')} from {counted(one.surveys, 'survey')}.</span>"
    return [said, frozen]


def _bar(share: float) -> str:
    return (
        f'<div class="t2-progress" role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{100 * share:.0f}" '
        f'aria-label="How far"><i style="width:{100 * share:.1f}%"></i></div>'
    )


def _preview(one: Standing) -> str:
    if one.state != "draft":
        return ""
    if one.missing == one.batches:
        return '<p class="t2-notice hint">Make the pictures first, then look at the study as a rater would.</p>'
    address = f"rate/{escape(one.study)}" + (f"?key={one.key}" if one.key else "")
    return f'<p><a class="t2-open" href="{address}" target="_blank" rel="noopener">Preview as a rater</a></p>'


def invitation(address: str, study: str, state: str, qr: str) -> str:
    """The link, a button that copies it, and the QR code for phones; ``qr`` is SVG of our own making."""
    if state == "draft":
        return '<p class="t2-notice hint">The link works once the study is open.</p>'
    link = escape(f"{address}rate/{study}")
    closed = "" if state == "open" else f'<p class="t2-notice hint">The study is {state}: people are told so.</p>'
    return (
        f'<div class="t2-invite"><div class="t2-qr" role="img" aria-label="QR code of the link">{qr}</div>'
        f'<div><p>Whoever opens this address takes part, without a login:</p><p><a href="{link}" target="_blank" '
        f'rel="noopener" class="t2-address">{link}</a></p><button type="button" class="t2-copy" data-copy="{link}">'
        f"Copy the link</button>{closed}</div></div>"
    )


def history(events: Sequence[tuple[datetime, str]]) -> str:
    """What happened to the study and when, newest first."""
    if not events:
        return ""
    rows = "".join(
        f"<li><time>{when:%Y-%m-%d %H:%M}</time> {escape(event)}</li>" for when, event in reversed(list(events))
    )
    return f'<details class="t2-log"><summary>Log</summary><ul>{rows}</ul></details>'
