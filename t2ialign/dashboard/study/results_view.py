"""A study's results as tables and sentences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from t2ialign.charts.study import ALL
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.words import counted
from t2ialign.study.head_to_head import HeadToHead
from t2ialign.study.results import VoteResults
from t2ialign.study.selection import Pattern, Rate
from t2ialign.types import Interval

EVERYBODY = "Everybody"
VERDICTS = {"tie": "both the same", "neither": "neither", "": "nothing chosen"}
MOST_PATTERNS = 40


def sentences(found: VoteResults) -> str:
    """What the numbers rest on, one line each: how much more it takes, whether raters agree, how they went about it."""
    lines = [separation.sentence for separation in found.separations]
    if found.agreement and not found.agreement.note:
        alpha, units = found.agreement.alpha, found.agreement.units
        lines.append(f"Raters agree at Krippendorff's alpha {interval(alpha)} (1 perfect, 0 chance; {units} units).")
    checks = found.attention
    if checks.answered:
        lines.append(f"{checks.failed} of {counted(checks.answered, 'attention check')} failed.")
    if len(found.times.quantiles) == 5:
        low, _, middle, _, high = found.times.quantiles
        lines.append(f"An answer took {middle:.1f} s in the middle, nine of ten between {low:.1f} and {high:.1f} s.")
    if not math.isnan(found.positions.p_value):
        sure = "It mattered" if found.positions.p_value < 0.05 else "There is no sign that it mattered"
        lines.append(f"{sure} where on the screen a picture stood (p = {found.positions.p_value:.2g}).")
    return render("study/sentences.html", lines=[*lines, *found.notes])


def pairs_table(pairs: Sequence[HeadToHead]) -> str:
    """Who was preferred to whom: counts, the share of the decided answers, and the binomial test."""
    rows = [
        [
            f"{one.one} over {one.other}",
            f"{one.wins} : {one.losses}",
            f"{one.ties}",
            percent(one.share),
            f"{one.p:.2g}",
            f"{one.adjusted:.2g}",
        ]
        for one in pairs
    ]
    head = ["", "answers", "neither", "share", "binomial p", "after Holm"]
    return table(
        "Head to head", head if len(pairs) > 1 else head[:-1], [row[: None if len(pairs) > 1 else -1] for row in rows]
    )


def rates_table(rates: Sequence[Rate]) -> str:
    """How often each contender was chosen where it was shown, by category (MI-TUNE's table 7)."""
    mine = [rate for rate in rates if not rate.group]
    categories = list(dict.fromkeys(rate.category for rate in mine))
    cells = {(rate.contender, rate.category): rate for rate in mine}
    rows = [
        [name, *(_rate(cells.get((name, category))) for category in categories)]
        for name in dict.fromkeys(rate.contender for rate in mine)
    ]
    return table("Chosen where it was shown", ["", *(category or ALL for category in categories)], rows)


def groups_table(rates: Sequence[Rate]) -> str:
    """The same by rater group; empty where there is one group only."""
    mine = [rate for rate in rates if not rate.category]
    groups = list(dict.fromkeys(rate.group for rate in mine))
    if len(groups) < 2:
        return ""
    cells = {(rate.contender, rate.group): rate for rate in mine}
    rows = [
        [name, *(_rate(cells.get((name, group))) for group in groups)]
        for name in dict.fromkeys(rate.contender for rate in mine)
    ]
    return table("Chosen, by group of raters", ["", *(group or EVERYBODY for group in groups)], rows)


def patterns_table(patterns: Sequence[Pattern], joined: str = " + ") -> str:
    """Everything that was chosen together, by group (the upper part of MI-TUNE's table 6)."""
    groups = list(dict.fromkeys(pattern.group for pattern in patterns))
    cells = {(pattern.chosen, pattern.verdict, pattern.group): pattern for pattern in patterns}
    kinds = list(dict.fromkeys((pattern.chosen, pattern.verdict) for pattern in patterns))[:MOST_PATTERNS]
    rows = [
        [joined.join(chosen) or VERDICTS[verdict], *(_share(cells.get((chosen, verdict, group))) for group in groups)]
        for chosen, verdict in kinds
    ]
    return table("Answers given", ["", *(group or EVERYBODY for group in groups)], rows)


def positions_table(found: VoteResults) -> str:
    """How often each position was chosen."""
    rows = [
        [f"Position {place + 1}", percent(share), f"{shown:,}"]
        for place, (share, shown) in enumerate(zip(found.positions.shares, found.positions.shown))
    ]
    return table("Where on the screen", ["", "chosen", "of"], rows)


def with_and_without(kept: VoteResults, everything: VoteResults) -> str:
    """Each contender's rate with the exclusion rules and without them; empty where no survey is left out."""
    if not kept.excluded:
        return ""
    shares = [
        {rate.contender: rate for rate in one.rates if not rate.category and not rate.group}
        for one in (kept, everything)
    ]
    rows = [[name, *(_rate(each.get(name)) for each in shares)] for name in shares[1]]
    rows.append(["answers", f"{kept.answers:,}", f"{everything.answers:,}"])
    alphas = [interval(one.agreement.alpha) if one.agreement else "" for one in (kept, everything)]
    return table("What the exclusions change", ["", "with them", "without"], [*rows, ["alpha", *alphas]])


def table(title: str, head: Iterable[str], rows: Sequence[Sequence[str]]) -> str:
    """A table under its title; empty without rows."""
    if not rows:
        return ""
    return render("study/table.html", title=title, head=head, rows=rows)


def tables(drawn: Sequence[str]) -> str:
    """Tables beside each other, as many as fit."""
    return render("study/tables.html", tables=drawn)


def percent(share: Interval) -> str:
    """``72 % (60 to 81)``."""
    if math.isnan(share.mean):
        return ""
    around = "" if math.isnan(share.lo) else f" ({100 * share.lo:.0f} to {100 * share.hi:.0f})"
    return f"{100 * share.mean:.0f} %{around}"


def interval(value: Interval) -> str:
    around = "" if math.isnan(value.lo) else f" ({value.lo:.2f} to {value.hi:.2f})"
    return f"{value.mean:.2f}{around}"


def _rate(rate: Rate | None) -> str:
    return percent(rate.share) if rate else ""


def _share(pattern: Pattern | None) -> str:
    return percent(pattern.share) if pattern else ""
