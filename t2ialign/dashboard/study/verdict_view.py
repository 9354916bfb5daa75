"""What a study found, the most important first: its headline, what to be careful about, and the pictures people argue over."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.words import counted
from t2ialign.study.clusters import FEWEST_RATERS
from t2ialign.study.contested import Contested
from t2ialign.study.design import StudyDesign
from t2ialign.study.head_to_head import HeadToHead
from t2ialign.study.manifest import Exhibit
from t2ialign.study.results import VoteResults

NOBODY = "Nobody has answered yet: share the link under Invite, and results appear here while people answer."
SHOWN = 4  # pictures of a contested set


def headline(found: VoteResults, design: StudyDesign | None) -> str:
    """One sentence about who is preferred, what it rests on, and the warnings."""
    if not found.answers and not found.excluded:
        return notice(NOBODY, "hint")
    out = counted(len(found.excluded), "survey") if found.excluded else ""
    return render(
        "study/headline.html",
        said=verdict(found, design),
        who=f"{counted(found.answers, 'answer')} from {counted(found.surveys, 'survey')}",
        out=out,
        warnings=list(warnings(found)),
    )


def verdict(found: VoteResults, design: StudyDesign | None) -> str:
    """Who is ahead, and whether that is clear: by the binomial test over all pairs, and by the interval over raters."""
    order = [one.name for one in found.strengths.contenders] if found.strengths else []
    if not order:
        return "No order yet: nobody has preferred one to another."
    first = order[0]
    against = {one.other if one.one == first else one.one: one for one in found.pairs if first in (one.one, one.other)}
    unclear = [name for name in order[1:] if name not in against or not clear(against[name], first)]
    if not unclear and len(order) == 2:
        (won,) = against.values()
        return f"{first} {_better(design)} than {order[1]}: in {_share(won)} of {_decided(won)}."
    if not unclear:
        return f"{first} {_better(design)} than each of the other {len(order) - 1}."
    pair = against.get(order[1])
    if len(order) == 2 and pair and pair.stands and pair.one == first:
        return f"{first} is ahead of {order[1]}{_counts(pair)}, but so few raters or prompts say little about others."
    if len(unclear) == len(order) - 1:
        rest = (
            f"{first} is ahead of {order[1]} by no more than chance might give" if len(order) == 2 else f"{first} leads"
        )
        return f"No clear order yet: {rest}{_counts(pair)}."
    return (
        f"{first} leads, but not clearly over {' and '.join(unclear[:3])}{' and others' if len(unclear) > 3 else ''}."
    )


def clear(pair: HeadToHead, first: str) -> bool:
    """Whether ``first`` is preferred beyond chance, whoever answered about whatever prompt."""
    return pair.one == first and pair.stands and pair.share.lo > 0.5


def warnings(found: VoteResults) -> Iterator[str]:
    """What makes the numbers worth less than they look."""
    counted_in = [survey for survey in found.attention.surveys if survey not in dict(found.excluded)]
    if counted_in:
        checks = found.attention
        yield (
            f"{checks.failed} of {counted(checks.answered, 'attention check')} failed, and "
            f"{counted(len(counted_in), 'survey')} with failures count here: those raters may not have looked. Leave them out "
            "below, by rule."
        )
    if 0 < found.surveys < FEWEST_RATERS:
        yield (
            f"Only {counted(found.surveys, 'survey')} so far: what a few people like says little about others. "
            f"From {FEWEST_RATERS} on the intervals know how much raters differ."
        )


def contested_panel(found: Sequence[Contested], picture: Callable[[str], str]) -> str:
    """The pictures on which votes were most even; ``picture`` is the address of one by its hash."""
    drawn = []
    for one in found:
        sides = [
            (exhibit.label, counted(votes, "vote"), _sources(exhibit, picture))
            for exhibit, votes in ((one.one, one.wins), (one.other, one.losses))
        ]
        drawn.append((one.prompt, sides, f"{one.ties} for neither" if one.ties else ""))
    return render("study/contested.html", pairs=drawn)


def _sources(exhibit: Exhibit, picture: Callable[[str], str]) -> list[str]:
    """A picture, or as many of a set as make a square."""
    side = math.isqrt(min(len(exhibit.pictures), SHOWN))
    return [picture(sha) for sha in exhibit.pictures[: side * side]]


def _better(design: StudyDesign | None) -> str:
    answer = design.answer if design else None
    if answer and answer.attribute:
        return f"varies more in its {answer.attribute}"
    return {"fits": "fits better", "varied": "is more varied"}.get(answer.aspect if answer else "", "is liked better")


def _share(pair: HeadToHead) -> str:
    return f"{100 * pair.share.mean:.0f} % ({100 * pair.share.lo:.0f} to {100 * pair.share.hi:.0f})"


def _decided(pair: HeadToHead) -> str:
    return f"{pair.wins + pair.losses:,} decided answers"


def _counts(pair: HeadToHead | None) -> str:
    return f", {pair.wins} answers to {pair.losses}" if pair and pair.wins + pair.losses else ""
