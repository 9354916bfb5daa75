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
from t2ialign.use_cases.reports import best_policy
from t2ialign.use_cases.reports.text import newest, with_ends
from t2ialign.use_cases.workbench import Workbench

STEP = "-step"  # what `align --keep-steps` writes between a run's name and its step


@dataclass(frozen=True)
class FrontierReport:
    """Paths of checkpoints by dose on two metrics at one CFG, their cost at ``win_rate``, and the best policy if asked for.

    ``optimum`` are tilts of the parent's own pictures, weakest first.
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
        """The best policy's change of diversity at ``win_rate``; NaN where it is not known so far out."""
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


def with_best_policy(bench: Workbench, found: FrontierReport) -> FrontierReport:
    """The same with the best that any tuning of the parent could do, read off its own stored pictures (``best_policy``).

    Raises:
        InputError: too few stored pictures of the parent, or a diversity that is no mean of distances.
    """
    tilts = best_policy.tilts(bench, found.against, found.judge, found.diversity, found.guidance_scale)
    points = tuple(DosePoint(f"{tilt.kl:.2f} nats", tilt.win_rate, tilt.change) for tilt in tilts)
    return replace(found, optimum=points)


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
    found = {name: sorted(path, key=lambda dose: _steps(dose.checkpoint)) for name, path in found.items()}
    if empty := [name for name, path in found.items() if not path]:
        raise InputError(
            f"{', '.join(empty)} and {against} share no stored run at CFG {scale:g}: `sweep` both over the same prompts."
        )
    return found


def _steps(checkpoint: str) -> float:
    """At which step a dose was kept; the end of the run comes last."""
    said = checkpoint.rpartition(STEP)[2]
    return int(said) if STEP in checkpoint and said.isdecimal() else math.inf


def _dose(checkpoint: str, judged: Sequence[PairedScore], spread: Sequence[PairedScore]) -> Dose:
    if len({(row.policy, row.base) for row in [*judged, *spread]}) > 1:
        raise InputError(f"{checkpoint} has stored runs of several settings at this CFG, which one path must not mix.")
    wins = {row.prompt: 0.5 + 0.5 * wins_over_losses(row, same_seed=False) for row in judged}
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
        f"Against {found.against} at CFG {found.guidance_scale:g} on {prompts} prompts: how often {found.judge} prefers a "
        f"picture to one of another seed of {found.against}, and the change of {found.diversity}."
    )
    yield from ("", "| checkpoint | win rate | diversity |", "|---|---|---|")
    for path in found.paths:
        for dose in path.doses:
            yield f"| `{dose.checkpoint}` | {with_ends(dose.win_rate)} | {percent(dose.change)} |"
    for tilt in found.optimum:
        yield f"| best policy, {tilt.checkpoint} | {with_ends(tilt.win_rate)} | {percent(tilt.change)} |"
    head = f"| at win rate {found.win_rate:g} | diversity | less that of `{found.paths[0].name}` |"
    yield from ("", head, "|---|---|---|")
    for path in found.paths:
        if math.isnan(path.cost.mean):
            yield f"| `{path.name}` | not reached | |"
        else:
            beyond = "" if path.beyond is None else percent(path.beyond)
            yield f"| `{path.name}` | {percent(path.cost)} | {beyond} |"
    if not math.isnan(found.least):
        yield f"| best policy | {found.least:+.1%} | |"


def percent(change: Interval) -> str:
    """``-11.7% [-13.9%, -9.5%]``, or the mean alone where the ends are unknown."""
    if math.isnan(change.lo):
        return "" if math.isnan(change.mean) else f"{change.mean:+.1%}"
    return f"{change.mean:+.1%} [{change.lo:+.1%}, {change.hi:+.1%}]"
