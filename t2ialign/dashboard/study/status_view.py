"""A study as its owner sees it: where it stands, how people are invited, and what has happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.words import counted, duration

STATES = {
    "draft": "Draft",
    "open": "Open",
    "paused": "Paused",
    "closed": "Closed",
}
NOBODY = render("study/nobody.html")


@dataclass(frozen=True)
class StudyStatus:
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


def standing(one: StudyStatus) -> str:
    """The state as a word, the answers as a bar, and for a draft its pictures and the way to its preview."""
    frozen = one.hash if one.state != "draft" and one.fraction is None else ""
    return render(
        "study/standing.html", one=one, state=STATES[one.state], fact=_fact(one), frozen=frozen, share=_share(one)
    )


def _share(one: StudyStatus) -> float:
    """How full the bar is: of pictures while it is a draft, of answers afterwards."""
    if one.fraction is not None:
        return one.fraction
    done, of = (one.batches - one.missing, one.batches) if one.state == "draft" else (one.answers, one.target)
    return min(done / max(of, 1), 1.0)


def _fact(one: StudyStatus) -> str:
    if one.fraction is not None:
        left = f", about {duration(one.remaining)} left" if one.remaining else ""
        return f"Making the pictures: {one.fraction:.0%}{left}."
    if one.state == "draft":
        return f"{one.batches - one.missing} of {counted(one.batches, 'batch', 'batches')} of pictures ready."
    return f"{one.answers:,} of {counted(one.target, 'answer')} from {counted(one.surveys, 'survey')}."


def invitation(address: str, study: str, state: str, qr: str) -> str:
    """The link, a button that copies it, and the QR code for phones; ``qr`` is SVG of our own making."""
    return render("study/invitation.html", link=f"{address}rate/{study}", state=state, qr=Markup(qr))


def history(events: Sequence[tuple[datetime, str]]) -> str:
    """What happened to the study and when, newest first."""
    return render("study/history.html", events=events[::-1]) if events else ""


def arenas(found: Sequence[tuple[str, str]]) -> str:
    """Links to the open arenas, by id and title; nothing where there are none."""
    return render("study/arenas.html", arenas=found) if found else ""
