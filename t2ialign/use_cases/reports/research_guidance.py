"""The report's answer about guidance: which strategy keeps most diversity where it is as well aligned as plain guidance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from t2ialign.tradeoff.research import Change, Changes, Exhibit, Gap
from t2ialign.tradeoff.strategies import PLAIN, MatchedStrategy, checkpoints_of
from t2ialign.types import Metric
from t2ialign.use_cases.align.lineage import BASE
from t2ialign.use_cases.reports import strategies
from t2ialign.use_cases.reports.research_material import Material
from t2ialign.use_cases.reports.research_pressure import MOST_ROWS

QUESTION = "Which guidance strategy keeps most diversity at the same alignment?"
TITLE = "Guidance strategies beside plain guidance that is as well aligned"


def of_strategies(found: Material) -> Iterator[Exhibit | Gap]:
    """One figure and one table of all strategies on all checkpoints, one family of tests."""
    swept = [point.config for point in found.points if point.config.guidance != PLAIN]
    runs = sorted(
        {strategies.run_of(one.checkpoint) for one in swept}, key=lambda name: (name != BASE, name)
    )  # the base first
    asked = [found.base_name if name == BASE else name for name in runs]
    x, y = found.x, found.y
    matched = strategies.stored_strategies(found.bench.store, asked, x.name, y.name, benchmark=found.benchmark.key)
    told = [one for one in matched if math.isfinite(one.y_gap.mean)]
    if not told:
        yield from _nothing(found, matched)
        return
    rows = sorted(told, key=lambda one: -one.y_gap.mean if y.higher_is_better else one.y_gap.mean)
    names = {id(one): f"{strategies.in_words(one)}{_seeds(one)}" for one in rows}
    drawn = Changes(
        y.name,
        "strategy less plain guidance that is as well aligned",
        tuple(Change(names[id(one)], one.y_gap, one.stands) for one in rows[:MOST_ROWS]),
    )
    rest = [one for one in matched if one not in told]
    table = (strategies.head_of(x.name, y.name), *(strategies.row_of(one) for one in [*rows, *rest]))
    command = (
        f"python -m t2ialign strategies --checkpoint {','.join(asked)} --x {x.name} --y {y.name} {found.on_this_set}"
    )
    yield Exhibit(TITLE, _sentence(rows, rest, y), drawn, command, table)
    yield from _unknown(found, matched, command, len(rows) - MOST_ROWS)


def _sentence(rows: Sequence[MatchedStrategy], rest: Sequence[MatchedStrategy], y: Metric) -> str:
    """What stands, what was found most and least varied, and what the numbers mean."""
    sure = [one for one in rows if one.stands]
    more = [one for one in sure if (one.y_gap.mean > 0) == y.higher_is_better]
    less = [one for one in sure if one not in more]
    settings = "1 setting" if len(rows) == 1 else f"{len(rows)} settings"
    kinds = len({one.policy.guidance for one in rows})
    of = "1 strategy" if kinds == 1 else f"{kinds} strategies"
    family = rows[0].family
    after = f", after Holm over {family} differences" if family > 1 else ""
    said = (
        f"Of {settings} of {of} on {_listed(checkpoints_of(rows))}, {_counted(more)} more varied than plain guidance of the "
        f"same alignment beyond chance and {_counted(less)} less varied{after}; of {len(rows) - len(sure) or 'none'} it "
        f"cannot be told."
    )
    best = rows[0]
    gap = strategies.share_text(strategies.share_of(best))
    said += f" Most is kept by {strategies.in_words(best)}: {gap} of plain guidance's {y.title}"
    said += "." if best.stands else ", which may be none."
    if beyond := [one for one in rows if one.x_gap > 1e-9]:
        said += (
            f" Better aligned than plain guidance at any CFG, and set beside the best aligned of these: "
            f"{_listed([strategies.in_words(one) for one in beyond])}."
        )
    if rest:
        said += (
            f" Worse aligned than plain guidance at any CFG, so that nothing can be said of them: "
            f"{_listed([strategies.in_words(one) for one in rest])}."
        )
    return f"{said} {strategies.counted(rows)}"


def _counted(found: Sequence[MatchedStrategy]) -> str:
    if not found:
        return "none is"
    listed = _listed(
        [f"{strategies.in_words(one)}, {strategies.share_text(strategies.share_of(one))}" for one in found], "; "
    )
    return f"{len(found)} {'is' if len(found) == 1 else 'are'} ({listed})"


def _listed(names: Sequence[str], between: str = ", ") -> str:
    return between.join(names)


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
        yield Gap(f"How a strategy would do on another training run of {_listed(single)}: fewer than 3 were swept.")
    yield Gap(
        "Other parameters and other CFG values of a strategy than those in the table: each was run as it stands there."
    )
