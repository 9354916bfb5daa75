"""The report's answer about guidance: which strategy keeps most diversity where it is as well aligned as plain guidance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from t2ialign.names import PLAIN
from t2ialign.tradeoff.research import Change, Changes, Finding, Gap
from t2ialign.tradeoff.strategies import MatchedStrategy
from t2ialign.use_cases.align.lineage import BASE
from t2ialign.use_cases.reports import strategies
from t2ialign.use_cases.reports.research_material import Material
from t2ialign.use_cases.reports.research_pressure import MOST_ROWS

QUESTION = "Which guidance strategy keeps most diversity at the same alignment?"
TITLE = "Guidance strategies beside plain guidance that is as well aligned"


def of_strategies(found: Material) -> Iterator[Finding | Gap]:
    """One figure and one table of all strategies on all checkpoints, one family of tests."""
    swept = [point.config for point in found.points if point.config.guidance != PLAIN]
    runs = sorted(
        {strategies.run_of(one.checkpoint) for one in swept}, key=lambda name: (name != BASE, name)
    )  # the base first
    asked = [found.base_name if name == BASE else name for name in runs]
    x, y = found.x, found.y
    matched = strategies.stored_strategies(found.bench.store, asked, x.name, y.name, benchmark=found.benchmark.key)
    rows = strategies.best_first(matched, y)
    if not rows:
        yield from _nothing(found, matched)
        return
    names = {id(one): f"{strategies.in_words(one)}{_seeds(one)}" for one in rows}
    drawn = Changes(
        y.name,
        "less plain guidance as aligned",
        tuple(Change(names[id(one)], one.y_gap, one.stands) for one in rows[:MOST_ROWS]),
    )
    rest = [one for one in matched if one not in rows]
    table = (strategies.head_of(x.name, y.name), *(strategies.row_of(one) for one in [*rows, *rest]))
    command = (
        f"python -m t2ialign strategies --checkpoint {','.join(asked)} --x {x.name} --y {y.name} {found.on_this_set}"
    )
    yield Finding(TITLE, strategies.in_a_sentence(matched, y), drawn, command, table)
    yield from _unknown(found, matched, command, len(rows) - MOST_ROWS)


def _seeds(one: MatchedStrategy) -> str:
    return f" ({one.training_seeds} training seeds)" if one.training_seeds > 1 else ""


def _nothing(found: Material, matched: Sequence[MatchedStrategy]) -> Iterator[Gap]:
    """Why there is no figure, and what would make one."""
    command = (
        f"python -m t2ialign sweep --checkpoint {found.base_name} --guidance cfg,interval,cads,s_cfg --guidance-scales 2,4,8 "
        "--seeds own:8"
    )
    if matched:
        yield Gap("Which guidance keeps most diversity: no plain guidance here is as well aligned as any.", command)
    else:
        yield Gap("Whether another guidance keeps more diversity at the same alignment: none was swept.", command)


def _unknown(found: Material, matched: Sequence[MatchedStrategy], command: str, not_drawn: int) -> Iterator[Gap]:
    if not_drawn > 0:
        yield Gap(f"{not_drawn} more differences are not drawn; the table has all of them.", command)
    single = sorted({one.run for one in matched if one.training_seeds < 3 and one.run != BASE})
    if single:
        yield Gap(f"How a strategy would do on another training run of {', '.join(single)}: fewer than 3 were swept.")
    yield Gap(
        "Other parameters and other CFG values of a strategy than those in the table: each was run as it stands there."
    )
