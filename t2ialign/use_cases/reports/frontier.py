"""Checkpoints compared where they win equally often, from stored runs: what each point of win rate costs in diversity."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from t2ialign import store
from t2ialign.metrics import METRICS
from t2ialign.store import Filters
from t2ialign.tradeoff.comparison import PairedScore, wins_over_losses
from t2ialign.tradeoff.frontier import Dose, DosePoint, PathCost, path_costs
from t2ialign.types import InputError, Interval
from t2ialign.use_cases.batches.requests import check_metrics
from t2ialign.use_cases.reports import optimum
from t2ialign.use_cases.reports.text import newest, with_ends

STEP = "-step"  # what `align --keep-steps` writes between a run's name and its step
STRENGTHS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
STYLE, FACTOR = "style_", "factor_"


@dataclass(frozen=True)
class FrontierReport:
    """Paths of checkpoints by dose on two metrics at one CFG, their cost at ``win_rate``, and the exact optimum if known.

    ``optimum`` are the world's own tilts, weakest first; empty where nobody knows them.
    """

    judge: str
    diversity: str
    against: str
    guidance_scale: float
    win_rate: float
    paths: tuple[PathCost, ...]
    optimum: tuple[DosePoint, ...] = ()

    @property
    def least(self) -> float:
        """The optimum's change of diversity at ``win_rate``; NaN where it is not known so far out."""
        points = [DosePoint("", Interval(0.5, 0.5, 0.5), Interval(0.0, 0.0, 0.0)), *self.optimum]
        for before, after in zip(points, points[1:]):
            if before.win_rate.mean <= self.win_rate <= after.win_rate.mean:
                share = (self.win_rate - before.win_rate.mean) / (after.win_rate.mean - before.win_rate.mean)
                return before.change.mean + share * (after.change.mean - before.change.mean)
        return math.nan


def report(
    opened: store.Store,
    names: Sequence[str],
    against: str,
    judge: str,
    diversity: str,
    guidance_scale: float,
    win_rate: float,
) -> FrontierReport:
    """Every stored dose of the named checkpoints (``NAME`` and ``NAME-stepN``) beside ``against``, at one CFG.

    Raises:
        InputError: metrics of the wrong kind, no stored run, or several runs of one checkpoint that differ in settings.
    """
    check_metrics((judge, diversity))
    if METRICS[judge].level != "image":
        raise InputError(f"{judge} measures a whole set, so no picture wins by it: choose one such as style_minimal.")
    if METRICS[diversity].axis != "diversity" or METRICS[diversity].finish:
        raise InputError(f"{diversity} has no change that could be averaged: choose one such as factor_diversity.")
    doses = _doses(opened, names, against, judge, diversity, guidance_scale)
    paths = path_costs(doses, win_rate)
    return FrontierReport(judge, diversity, against, guidance_scale, win_rate, tuple(paths))


def with_optimum(found: FrontierReport, prompts: str) -> FrontierReport:
    """The same with the world's own optimum for that taste over a prompt set (about half a minute).

    Raises:
        InputError: a judge or a diversity whose optimum nobody knows.
    """
    group, part = found.judge.removeprefix(STYLE), found.diversity.removeprefix(FACTOR)
    if not (found.judge.startswith(STYLE) and found.diversity.startswith(FACTOR)) or part == "diversity_faithful":
        raise InputError(
            "The exact optimum is known of a style and of the free factors only, as style_minimal and factor_diversity."
        )
    points = optimum.frontier(group, STRENGTHS, prompts)
    return replace(found, optimum=tuple(_tilt(point, "all" if part == "diversity" else part) for point in points))


def _tilt(point: optimum.FrontierPoint, part: str) -> DosePoint:
    spread = point.diversity[part]
    return DosePoint(
        f"1/beta = {point.strength:g}",
        point.win_rate,
        Interval(spread.mean - 1, spread.lo - 1, spread.hi - 1),
    )


def _doses(
    opened: store.Store, names: Sequence[str], against: str, judge: str, diversity: str, scale: float
) -> dict[str, list[Dose]]:
    """{name: its doses}, in the order of the names."""
    known = sorted(store.choices(opened)["checkpoints"])
    wanted = {one: name for name in names for one in known if one == name or one.startswith(f"{name}{STEP}")}
    if missing := [name for name in names if name not in wanted.values()]:
        raise InputError(f"There is no stored run of {', '.join(missing)}: `sweep --checkpoint {missing[0]}` it first.")
    rows = newest(store.paired_scores(opened, list(wanted), against, [judge, diversity], Filters()))
    cells: dict[str, dict[str, list[PairedScore]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.policy.guidance_scale == scale:
            cells[row.policy.checkpoint][row.metric].append(row)
    found: dict[str, list[Dose]] = {name: [] for name in names}
    for checkpoint, scored in cells.items():
        found[wanted[checkpoint]].append(_dose(checkpoint, scored[judge], scored[diversity]))
    if empty := [name for name, path in found.items() if not path]:
        raise InputError(
            f"{', '.join(empty)} and {against} share no stored run at CFG {scale:g}: `sweep` both over the same prompts."
        )
    return found


def _dose(checkpoint: str, judged: Sequence[PairedScore], spread: Sequence[PairedScore]) -> Dose:
    if len({(row.policy, row.base) for row in [*judged, *spread]}) > 1:
        raise InputError(f"{checkpoint} has stored runs of several settings at this CFG, which one path must not mix.")
    wins = {row.prompt: 0.5 + 0.5 * wins_over_losses(row) for row in judged}
    return Dose(
        checkpoint,
        wins,
        {row.prompt: row.policy_value for row in spread},
        {row.prompt: row.base_value for row in spread},
    )


def lines(found: FrontierReport) -> Iterator[str]:
    """Two Markdown tables: the doses, and the cost at the common win rate."""
    prompts = found.paths[0].prompts
    yield (
        f"Against {found.against} at CFG {found.guidance_scale:g} on {prompts} prompts: pictures preferred by "
        f"{found.judge}, and the change of {found.diversity}."
    )
    yield from ("", "| checkpoint | win rate | diversity |", "|---|---|---|")
    for path in found.paths:
        for dose in path.doses:
            yield f"| `{dose.checkpoint}` | {with_ends(dose.win_rate)} | {percent(dose.change)} |"
    for tilt in found.optimum:
        yield f"| optimum, {tilt.checkpoint} | {with_ends(tilt.win_rate)} | {percent(tilt.change)} |"
    head = f"| at win rate {found.win_rate:g} | diversity | less that of `{found.paths[0].name}` |"
    yield from ("", head, "|---|---|---|")
    for path in found.paths:
        if math.isnan(path.cost.mean):
            yield f"| `{path.name}` | not reached | |"
        else:
            beyond = "" if path.beyond is None else percent(path.beyond)
            yield f"| `{path.name}` | {percent(path.cost)} | {beyond} |"
    if not math.isnan(found.least):
        yield f"| optimum | {found.least:+.1%} | |"


def percent(change: Interval) -> str:
    """``-11.7% [-13.9%, -9.5%]``, or the mean alone where the ends are unknown."""
    if math.isnan(change.lo):
        return "" if math.isnan(change.mean) else f"{change.mean:+.1%}"
    return f"{change.mean:+.1%} [{change.lo:+.1%}, {change.hi:+.1%}]"
