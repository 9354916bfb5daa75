"""Checkpoints compared where they win equally often, from stored runs: what each point of win rate costs in diversity."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from t2ialign import store
from t2ialign.metrics import METRICS
from t2ialign.names import PLAIN, strategy_of
from t2ialign.store import Filters
from t2ialign.tradeoff import families
from t2ialign.tradeoff.comparison import PairedScore, wins_over_losses
from t2ialign.tradeoff.frontier import Dose, DosePoint, Ideal, PathCost, path_costs, shared_prompts
from t2ialign.tradeoff.strategies import plainly
from t2ialign.types import InputError, Interval
from t2ialign.use_cases.batches.requests import check_each
from t2ialign.use_cases.reports import best_policy
from t2ialign.use_cases.reports.optimum import renderer_line
from t2ialign.use_cases.reports.text import newest, with_ends
from t2ialign.use_cases.workbench import Workbench

RENDERER, BEST = "renderer's optimum", "best policy"
OF_THE_RENDERER = (
    "The renderer's optimum is exact: the distribution that the embedded world draws its scenes from, tilted by the taste, "
    "beside itself. No policy at the same KL from the renderer is liked more on average. A base is not the renderer and "
    "starts from a distribution of its own, so a checkpoint may lie on either side of this line."
)
OF_ITS_PICTURES = "The best policy is {}'s own stored pictures, reweighted by the taste."
SEED, STEP = "-seed", "-step"  # between a run's name and its training seed, and the step that `align --keep-steps` kept


@dataclass(frozen=True)
class FrontierReport:
    """Paths of checkpoints by dose on two metrics at one CFG, and their cost at ``win_rate``.

    ``ideals`` are the lines that none could beat, as far as they are known.
    """

    judge: str
    diversity: str
    against: str
    guidance_scale: float
    win_rate: float
    paths: tuple[PathCost, ...]
    ideals: tuple[Ideal, ...] = ()


def report(
    opened: store.Store,
    names: Sequence[str],
    against: str,
    judge: str,
    diversity: str,
    guidance_scale: float,
    win_rate: float,
    dials: bool = False,
) -> FrontierReport:
    """Every stored dose of the named checkpoints beside ``against``, at one CFG and with plain guidance.

    ``NAME-stepN`` is a dose of ``NAME``; ``NAME-seedK`` and ``NAME-seedK-stepN`` are the same of another training seed.
    ``dials``: what is turned without training has paths of its own, the checkpoints' stored weights (``NAME@0.5``) and the
    stored guidance strategies at that CFG, of the checkpoints and of ``against``; all beside ``against`` with plain guidance.
    Where the judge is a style of the embedded world, the optimum of its renderer is beside them, on the same prompts.

    Raises:
        InputError: metrics of the wrong kind, no stored run, or several runs of one checkpoint that differ in settings.
    """
    check_each((judge, diversity))
    if METRICS[judge].level != "image":
        raise InputError(f"{judge} measures a whole set, so no picture wins by it: choose one such as style_minimal.")
    if METRICS[diversity].axis != "diversity" or METRICS[diversity].finish:
        raise InputError(f"{diversity} has no change that could be averaged: choose one such as factor_diversity.")
    asked = _FrontierQuery(names, against, judge, diversity, guidance_scale)
    doses = _doses(opened, asked) | (_dialled(opened, asked) if dials else {})
    paths = path_costs(doses, win_rate)
    exact = renderer_line(judge, diversity, shared_prompts(doses))
    ideals = (Ideal(RENDERER, OF_THE_RENDERER, exact),) if exact else ()
    return FrontierReport(judge, diversity, against, guidance_scale, win_rate, tuple(paths), ideals)


def with_best_policy(bench: Workbench, found: FrontierReport) -> FrontierReport:
    """The same with the best that any tuning of the parent could do, read off its own stored pictures (``best_policy``).

    Raises:
        InputError: too few stored pictures of the parent, or a diversity that is no mean of distances.
    """
    tilts = best_policy.tilts(bench, found.against, found.judge, found.diversity, found.guidance_scale)
    points = tuple(DosePoint(f"{tilt.kl:.2f} nats", tilt.win_rate, tilt.change) for tilt in tilts)
    return replace(found, ideals=(*found.ideals, Ideal(BEST, OF_ITS_PICTURES.format(found.against), points)))


@dataclass(frozen=True)
class _FrontierQuery:
    """What a report is asked for."""

    names: Sequence[str]
    against: str
    judge: str
    diversity: str
    scale: float

    @property
    def metrics(self) -> list[str]:
        return [self.judge, self.diversity]


_Cells = dict[tuple[str, str], dict[str, list[PairedScore]]]
"""{(a checkpoint, a strategy): {metric: its rows}}"""


@dataclass(frozen=True)
class _Place:
    """Where a stored checkpoint belongs: its path, its dose's name (that of training seed 0), the seed and the step."""

    path: str
    dose: str
    training_seed: int
    step: float  # the end of a run comes last


def _place(checkpoint: str, names: Sequence[str]) -> _Place | None:
    """Under the longest of the names that it is a dose of."""
    for name in sorted(names, key=len, reverse=True):
        found = re.fullmatch(rf"{re.escape(name)}(?:{SEED}([0-9]{{1,9}}))?(?:{STEP}([0-9]{{1,9}}))?", checkpoint)
        if found:
            seed, step = found.groups()
            dose = name if step is None else f"{name}{STEP}{step}"
            return _Place(name, dose, int(seed or 0), math.inf if step is None else int(step))
    return None


def _doses(opened: store.Store, asked: _FrontierQuery) -> dict[str, list[Dose]]:
    """{name: its doses, weakest first}, in the order of the names."""
    known = store.choices(opened)["checkpoints"]
    places = {one: place for one in known if (place := _place(one, asked.names))}
    if missing := [name for name in asked.names if all(name != place.path for place in places.values())]:
        raise InputError(f"There is no stored run of {', '.join(missing)}: `sweep --checkpoint {missing[0]}` it first.")
    cells = _cells(asked, store.paired_scores(opened, list(places), asked.against, asked.metrics, Filters()))
    found: dict[str, list[Dose]] = {name: [] for name in asked.names}
    plain = [checkpoint for checkpoint, strategy in cells if strategy == PLAIN]
    for checkpoint in sorted(plain, key=lambda one: (places[one].step, places[one].training_seed)):
        place = places[checkpoint]
        dose = _dose(asked, checkpoint, cells[checkpoint, PLAIN])
        found[place.path].append(replace(dose, checkpoint=place.dose, training_seed=place.training_seed))
    if empty := [name for name, path in found.items() if not path]:
        raise InputError(
            f"{', '.join(empty)} and {asked.against} share no stored run at CFG {asked.scale:g}: `sweep` both over the same "
            "prompts."
        )
    return found


def _dialled(opened: store.Store, asked: _FrontierQuery) -> dict[str, list[Dose]]:
    """{``NAME, weight``: doses by weight, lightest first and up to the whole; ``NAME, STRATEGY``: its one dose}."""
    known = store.choices(opened)["checkpoints"]
    dial = re.compile(rf"({'|'.join(map(re.escape, asked.names))})(?:@([0-9]{{1,3}}(?:\.[0-9]{{1,6}})?))?")
    weights = {one: (said[1], float(said[2] or 1)) for one in known if (said := dial.fullmatch(one))}
    rows = store.paired_scores(opened, list(weights), asked.against, asked.metrics, Filters())
    cells = _cells(asked, [*rows, *store.strategy_scores(opened, asked.against, PLAIN, asked.metrics)])
    found: dict[str, list[Dose]] = {}
    for checkpoint, strategy in sorted(cells, key=lambda one: (*weights.get(one[0], ("", 0.0)), one[1])):
        turned = "weight" if strategy == PLAIN else strategy
        name = weights[checkpoint][0] if strategy == PLAIN else checkpoint
        dose = _dose(
            asked, checkpoint if strategy == PLAIN else f"{checkpoint}, {strategy}", cells[checkpoint, strategy]
        )
        found.setdefault(f"{name}, {turned}", []).append(dose)
    return {path: doses for path, doses in found.items() if not path.endswith(", weight") or len(doses) > 1}


def _cells(asked: _FrontierQuery, rows: Sequence[PairedScore]) -> _Cells:
    """The rows at the CFG that was asked for, of sides that differ in checkpoint and strategy alone."""
    found: _Cells = defaultdict(lambda: defaultdict(list))
    for row in newest(rows):
        policy, base = row.policy, row.base
        here = policy.guidance_scale == base.guidance_scale == asked.scale and base.guidance == PLAIN
        if here and plainly(policy) == plainly(base):
            strategy = strategy_of(policy)
            found[policy.checkpoint, strategy][row.metric].append(row)
    return found


def _dose(asked: _FrontierQuery, checkpoint: str, scored: Mapping[str, Sequence[PairedScore]]) -> Dose:
    judged, spread = scored[asked.judge], scored[asked.diversity]
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
    yield from _dose_rows(found)
    head = f"| at win rate {found.win_rate:g} | training seeds | diversity | less that of `{found.paths[0].name}` |"
    yield from ("", head, "|---|---|---|---|")
    for path in found.paths:
        yield f"| `{path.name}` | {path.training_seeds} | {_cost_text(path, found.paths[0])} |"
    for ideal in found.ideals:
        if not math.isnan(least := ideal.change_at(found.win_rate)):
            yield f"| {ideal.name} | | {least:+.1%} | |"
    if tests := families.tests([path.p for path in found.paths]):
        yield from ("", families.legend(tests))
    yield from ("", counted(found.paths))
    for ideal in found.ideals:
        yield from ("", ideal.about)


def _dose_rows(found: FrontierReport) -> Iterator[str]:
    """A row for each dose, with its runs, and for each point of the ideals."""
    yield from ("", "| checkpoint | training seeds | win rate | diversity |", "|---|---|---|---|")
    for path in found.paths:
        for dose in path.doses:
            said = f"{with_ends(dose.win_rate)} | {percent(dose.change)}"
            yield f"| `{dose.checkpoint}` | {dose.training_seeds} | {said} |"
            for run in dose.runs:
                yield f"| its training seed {run.training_seed} | | {run.win_rate:.3f} | {run.change:+.1%} |"
    for ideal in found.ideals:
        for tilt in ideal.points:
            yield f"| {ideal.name}, {tilt.checkpoint} | | {with_ends(tilt.win_rate)} | {percent(tilt.change)} |"


def _cost_text(path: PathCost, first: PathCost) -> str:
    """Two cells: the cost, and that less the first path's, which may stand on fewer training seeds than either cost."""
    if math.isnan(path.cost.mean):
        return "not reached |"
    if path.beyond is None or not path.beyond_seeds:
        return f"{percent(path.cost)} |"
    few = path.beyond_seeds < max(path.training_seeds, first.training_seeds)
    beyond = f"**{percent(path.beyond)}**" if path.stands else percent(path.beyond)
    return f"{percent(path.cost)} | {beyond}{f' (of {path.beyond_seeds})' if few else ''}"


def counted(paths: Sequence[PathCost]) -> str:
    """What the intervals of a frontier count."""
    several = any(dose.training_seeds > 1 for path in paths for dose in path.doses)
    one = any(dose.training_seeds == 1 for path in paths for dose in path.doses)
    if not several:
        return "Intervals count prompts alone, of one training seed: another run may end elsewhere."
    said = "Intervals of several training seeds, from three on, count prompts and training seeds, as crossed clusters."
    return f"{said} Those of one training seed count prompts alone: another run may end elsewhere." if one else said


def percent(change: Interval) -> str:
    """``-11.7% [-13.9%, -9.5%]``, or the mean alone where the ends are unknown."""
    if math.isnan(change.lo):
        return "" if math.isnan(change.mean) else f"{change.mean:+.1%}"
    return f"{change.mean:+.1%} [{change.lo:+.1%}, {change.hi:+.1%}]"
