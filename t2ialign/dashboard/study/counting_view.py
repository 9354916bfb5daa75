"""What raters counted in the sets, and how sure they were, as tables and sentences."""

from __future__ import annotations

from collections.abc import Iterator

from t2ialign.dashboard.shared.words import counted
from t2ialign.dashboard.study.results_view import interval, percent, table
from t2ialign.study.counting import Counting


def counting_tables(found: Counting | None) -> list[str]:
    """Kinds counted by contender, their differences, and the preferences by how sure raters were; "" for what was not asked."""
    return [_means(found), _differences(found), _sureness(found)] if found else []


def counting_lines(found: Counting | None) -> Iterator[str]:
    """One line each: whether raters count alike, whether picks follow the counts, and what they saw in repeated pictures."""
    if not found:
        return
    if found.alpha and not found.alpha.note:
        yield f"Raters count alike at Krippendorff's alpha {interval(found.alpha.alpha)} (ratios; {found.alpha.units} sets)."
    if found.pick and found.pick.both:
        rest = found.pick.only_picked + found.pick.only_counted + found.pick.neither
        others = f"; {counted(rest, 'other round')} had even counts or no pick" if rest else ""
        yield (
            f"The set with more kinds was the one picked in {percent(found.pick.share)} of "
            f"{counted(found.pick.both, 'round')} with both{others}."
        )
    if found.checks:
        yield (
            f"In {found.overcounted} of {counted(found.checks, 'attention check')} one picture, repeated, was counted as "
            "more than one kind."
        )
    yield from found.notes


def _means(found: Counting) -> str:
    rows = [[one.contender, interval(one.mean), f"{one.sets:,}"] for one in found.means]
    return table("Kinds counted in a set", ["", "mean", "counts"], rows)


def _differences(found: Counting) -> str:
    many = len(found.differences) > 1
    rows = [
        [
            f"{one.one} over {one.other}",
            interval(one.difference),
            f"{one.rounds:,}",
            _p(one.p),
            *([_p(one.adjusted)] if many else []),
        ]
        for one in found.differences
    ]
    return table(
        "More kinds in the same round", ["", "difference", "rounds", "p", *(["after Holm"] if many else [])], rows
    )


def _sureness(found: Counting) -> str:
    names = list(dict.fromkeys((pair.one, pair.other) for level in found.sureness for pair in level.pairs))
    rows = []
    for level in found.sureness:
        shares = {(pair.one, pair.other): pair.share for pair in level.pairs}
        cells = [percent(shares[pair]) if pair in shares else "" for pair in names]
        rows.append([level.level, f"{level.answers:,}", *cells])
    return table("Preferred, by how sure", ["", "answers", *(f"{one} over {other}" for one, other in names)], rows)


def _p(value: float) -> str:
    return "" if value != value else f"{value:.2g}"
