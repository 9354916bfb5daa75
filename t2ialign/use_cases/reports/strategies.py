"""Stored guidance strategies beside plain guidance of the same alignment: found, as a table, and as points of a chart."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from t2ialign import store
from t2ialign.guidance import needs_of
from t2ialign.metrics import METRICS
from t2ialign.names import PLAIN, strategy_of
from t2ialign.tradeoff import families
from t2ialign.tradeoff.comparison import PairedScore
from t2ialign.tradeoff.strategies import MatchedStrategy, checkpoints_of, matched_strategies, plainly
from t2ialign.types import Interval, Metric, TradeoffPoint
from t2ialign.use_cases.align.lineage import BASE
from t2ialign.use_cases.batches.requests import check_each
from t2ialign.use_cases.reports.text import benchmark_keys, newest, stored_points, with_ends

ALIKE = 1e-9  # of alignment: what rounding makes
OF_BASE = "shapes"  # the backbone that ``base`` alone names
SEED = re.compile(r"-seed[0-9]{1,9}(?=-step[0-9]|[@+]|$)")  # of a checkpoint's name: one of several training seeds
HEAD = "checkpoint|training seeds|strategy|evaluations|CFG|`{x}`|`{y}`|plain CFG as aligned|`{y}` there|less that|share"
REACH = (
    "(at least): better aligned than plain guidance at any stored CFG, and set beside the best aligned of these. "
    "not reached: worse aligned than plain guidance at any stored CFG."
)


def run_of(checkpoint: str) -> str:
    """A checkpoint's name without its training seed: ``NAME-seed2-step50`` is a run of ``NAME-step50``."""
    return SEED.sub("", checkpoint)


def stored_strategies(
    opened: store.Store,
    checkpoints: Sequence[str],
    x: str,
    y: str,
    categories: Sequence[str] = (),
    benchmark: str = "",
) -> list[MatchedStrategy]:
    """The strategies of some checkpoints, all one family of tests, from what is stored.

    A name stands for all of its training seeds (``run_of``), one with a seed for itself; a backbone's name for its base.

    Raises:
        InputError: no such metric or benchmark set, or several versions of one metric.
    """
    check_each((x, y))
    filters = store.Filters(categories=tuple(categories), benchmarks=benchmark_keys(opened, benchmark))
    known = store.choices(opened)
    rows: list[PairedScore] = []
    alone: set[str] = set()
    for name in dict.fromkeys(checkpoints):
        runs = [one for one in known["checkpoints"] if name in (one, run_of(one))]
        alone |= {name} if SEED.search(name) else set()
        backbone = OF_BASE if name == BASE else name if name in known["backbones"] and not runs else ""
        own = replace(filters, backbones=(backbone,)) if backbone else filters
        for run in [BASE] if backbone else runs:
            rows += store.strategy_scores(opened, run, PLAIN, list(dict.fromkeys((x, y))), own)
    named = {name: name for name in alone}
    return matched_strategies(
        newest(rows), METRICS[x], METRICS[y], lambda checkpoint: named.get(checkpoint, run_of(checkpoint))
    )


def points_beside(
    opened: store.Store,
    found: Sequence[MatchedStrategy],
    x: str,
    y: str,
    beside: Sequence[str] = (),
    categories: Sequence[str] = (),
) -> list[TradeoffPoint]:
    """The points of strategies and of plain guidance under the same settings; plain guidance alone of checkpoints beside them.

    Points that were sampled in other numbers of steps, say, belong on no chart with these.
    """
    if not found:
        return []
    own, asked = checkpoints_of(found), {plainly(one.policy) for one in found}
    stored = store.choices(opened)["checkpoints"]
    shown = [one for one in stored if one in own or run_of(one) in own]
    points = stored_points(opened, x, y, categories, list(dict.fromkeys([*shown, *beside])))
    alike = [point for point in points if plainly(point.config) in asked]
    return [point for point in alike if point.config.checkpoint in shown or point.config.guidance == PLAIN]


def in_words(one: MatchedStrategy) -> str:
    """``aig of minimal_dpo at CFG 4``."""
    config = one.policy
    return f"{strategy_of(config)} of {one.run} at CFG {config.guidance_scale:g}"


def share_of(one: MatchedStrategy) -> Interval:
    """The gap in diversity as a share of plain guidance's; NaN where there is none."""
    gap = one.y_gap
    level = one.plain_y if one.plain_y > 0 else math.nan
    return Interval(gap.mean / level, gap.lo / level, gap.hi / level)


def share_text(found: Interval) -> str:
    """``+12 % (+7 to +17)``, the mean alone where the ends are unknown, nothing where it is."""
    if math.isnan(found.mean):
        return ""
    mean, lo, hi = (f"{100 * end:+.0f}" for end in (found.mean, found.lo, found.hi))
    return f"{mean} %" if math.isnan(found.lo) else f"{mean} % ({lo} to {hi})"


def row_of(one: MatchedStrategy) -> tuple[str, ...]:
    """What the table says of a strategy, a cell for each part of ``HEAD``."""
    config = one.policy
    there = "not reached" if math.isnan(one.plain_scale) else f"{one.plain_scale:.2f}"
    beyond = " (at least)" if one.x_gap > ALIKE else ""
    gap = with_ends(one.y_gap, "+") if math.isfinite(one.y_gap.mean) else ""
    return (
        f"`{one.run}`",
        str(one.training_seeds),
        f"`{strategy_of(config)}`",
        str(needs_of(config.guidance).evaluations),
        f"{config.guidance_scale:g}",
        f"{one.x.mean:.3f}",
        f"{one.y.mean:.3f}",
        f"{there}{beyond}",
        "" if math.isnan(one.plain_y) else f"{one.plain_y:.3f}",
        f"**{gap}**" if one.stands else gap,
        share_text(share_of(one)),
    )


def head_of(x: str, y: str) -> tuple[str, ...]:
    """The table's head."""
    return tuple(HEAD.format(x=x, y=y).split("|"))


def strategy_table(found: Sequence[MatchedStrategy], x: str, y: str) -> Iterator[str]:
    """A Markdown table, a row a strategy: both means, and its diversity less plain guidance's of the same alignment."""
    if not found:
        yield "No strategy has stored runs on the prompts and seeds of plain guidance: `sweep --guidance cfg,...` first."
        return
    head = head_of(x, y)
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for one in found:
        yield f"| {' | '.join(row_of(one))} |"
    for sentence in legend(found, y):
        yield from ("", sentence)


def legend(found: Sequence[MatchedStrategy], y: str) -> Iterator[str]:
    """What the bold differences are, the table in a sentence, and what the words in it mean."""
    size = found[0].family
    yield families.legend(size) if size else "No interval could be given: that takes 8 prompts or more."
    if best_first(found, METRICS[y]):
        yield in_a_sentence(found, METRICS[y])
    if any(one.x_gap > ALIKE or math.isnan(one.plain_scale) for one in found):
        yield REACH


def best_first(found: Sequence[MatchedStrategy], y: Metric) -> list[MatchedStrategy]:
    """Those that could be set beside plain guidance, the most varied beside it first."""
    known = [one for one in found if math.isfinite(one.y_gap.mean)]
    return sorted(known, key=lambda one: -one.y_gap.mean if y.higher_is_better else one.y_gap.mean)


def in_a_sentence(found: Sequence[MatchedStrategy], y: Metric) -> str:
    """What stands, what is kept most, and what the numbers mean; of strategies of which some could be matched."""
    rows = best_first(found, y)
    rest = [one for one in found if one not in rows]
    sure = [one for one in rows if one.stands]
    more = [one for one in sure if (one.y_gap.mean > 0) == y.higher_is_better]
    less = [one for one in sure if one not in more]
    kinds = len({one.policy.guidance for one in rows})
    after = f", after Holm over {rows[0].family} differences" if rows[0].family > 1 else ""
    gap = share_text(share_of(rows[0]))
    sentences = [
        f"Of {_count(len(rows), 'setting')} of {kinds} guidance {'strategy' if kinds == 1 else 'strategies'} on "
        f"{', '.join(checkpoints_of(rows))}, {_kept(more)} more varied than plain guidance of the same alignment beyond chance "
        f"and {_kept(less)} less varied{after}; of {len(rows) - len(sure) or 'none'} it cannot be told.",
        f"Most is kept by {in_words(rows[0])}: {gap} of plain guidance's {y.title}"
        f"{'' if rows[0].stands else ', which may be none'}.",
    ]
    if beyond := [one for one in rows if one.x_gap > ALIKE]:
        sentences.append(
            "Better aligned than plain guidance at any CFG, and set beside the best aligned of these: "
            f"{', '.join(map(in_words, beyond))}."
        )
    if rest:
        sentences.append(
            "Worse aligned than plain guidance at any CFG, so that nothing can be said of them: "
            f"{', '.join(map(in_words, rest))}."
        )
    return " ".join([*sentences, counted(rows)])


def _kept(found: Sequence[MatchedStrategy]) -> str:
    if not found:
        return "none is"
    listed = "; ".join(f"{in_words(one)}, {share_text(share_of(one))}" for one in found)
    return f"{len(found)} {'is' if len(found) == 1 else 'are'} ({listed})"


def _count(number: int, thing: str) -> str:
    return f"1 {thing}" if number == 1 else f"{number} {thing}s"


def counted(found: Sequence[MatchedStrategy]) -> str:
    """What the intervals count."""
    several = {one.training_seeds > 1 for one in found}
    if several == {False}:
        return "Intervals count prompts: of a checkpoint they say nothing of how another training run would end."
    both = "Where a checkpoint has three training seeds or more, intervals count prompts and training seeds."
    return both if several == {True} else f"{both} Those of one training seed count prompts alone."
