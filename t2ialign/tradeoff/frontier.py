"""What a point of win rate costs in diversity: paths of checkpoints by dose, compared where they win equally often.

Two methods are not compared fairly at the same number of steps, for one may simply have moved further. Each method's path
starts at its parent (win rate 1/2, diversity unchanged) and runs through its doses, weakest first; its cost at a win rate w is
that of the weakest dose that reaches w, by linear interpolation between the doses beside it. (A path may turn back: too strong
a dose wins less often and costs more.)

Of one training seed, intervals are percentiles of a bootstrap over prompts, which resamples the whole path at once, and all
paths alike: differences between methods are paired by prompt. They say nothing of how another run would end. Where a method
was trained on several seeds, a dose is the mean of its runs, the cost is read through the doses that all of its runs have,
and intervals (from three runs on) count prompts and training seeds (``training_seeds``). Two methods are then compared on the
training seeds that both have, which share pictures and pairs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from t2ialign.tradeoff import families
from t2ialign.tradeoff.interval import CONFIDENCE, RESAMPLES, SEED, bootstrap_p, moments, share_interval
from t2ialign.tradeoff.training_seeds import change_cells, cost_cells, crossed
from t2ialign.types import InputError, Interval

FEWEST_RUNS = 3  # of two, Student's t with one degree of freedom says nothing that could be drawn
FEWEST_PROMPTS = 8  # with fewer, a percentile bootstrap over prompts promises too much
KNOWN_SHARE = 0.95  # of the draws in which the path reaches the win rate, for an interval to be given
UNKNOWN = Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Dose:
    """One checkpoint of a path, prompt by prompt, beside the parent on the same seeds.

    ``checkpoint`` is the same for all training seeds of a dose. ``wins``: how often one of its pictures beats one of the
    parent's of another seed; ``diversity`` and ``parent``: the diversity of both.
    """

    checkpoint: str
    wins: Mapping[str, float]
    diversity: Mapping[str, float]
    parent: Mapping[str, float]
    training_seed: int = 0


@dataclass(frozen=True)
class RunPoint:
    """A dose of one training seed among several: means over prompts."""

    training_seed: int
    win_rate: float
    change: float


@dataclass(frozen=True)
class DosePoint:
    """A dose over its prompts and training seeds: win rate, and change of diversity as a share of the parent's.

    ``runs`` are its training seeds one by one where there are several.
    """

    checkpoint: str
    win_rate: Interval
    change: Interval
    runs: tuple[RunPoint, ...] = ()

    @property
    def training_seeds(self) -> int:
        return max(len(self.runs), 1)


@dataclass(frozen=True)
class Ideal:
    """What no policy could beat, as a line from win rate 1/2 and no change through ``points``, weakest tilt first.

    ``about`` says in a sentence whose best it is.
    """

    name: str
    about: str
    points: tuple[DosePoint, ...]

    def change_at(self, win_rate: float) -> float:
        """The change of diversity where it wins that often, between the points beside it; NaN beyond the last one."""
        line = [DosePoint("", Interval(0.5, 0.5, 0.5), Interval(0.0, 0.0, 0.0)), *self.points]
        for before, after in zip(line, line[1:]):
            if before.win_rate.mean <= win_rate <= after.win_rate.mean:
                share = (win_rate - before.win_rate.mean) / (after.win_rate.mean - before.win_rate.mean)
                return before.change.mean + share * (after.change.mean - before.change.mean)
        return math.nan


@dataclass(frozen=True)
class PathCost:
    """A path's doses in the order given, and what a common win rate costs on it: NaN where the path does not reach that.

    ``cost`` stands on so many ``training_seeds``. ``beyond``: the cost less that of the first path, on the prompts and the
    training seeds that both have, ``beyond_seeds`` of them (None for the first path). ``p`` tests a ``beyond`` of 0;
    ``adjusted`` is it after Holm over all paths. NaN: no test.
    """

    name: str
    doses: tuple[DosePoint, ...]
    prompts: int
    cost: Interval
    beyond: Interval | None
    training_seeds: int = 1
    beyond_seeds: int = 0
    p: float = math.nan
    adjusted: float = math.nan

    @property
    def stands(self) -> bool:
        """Whether it differs from the first path, also after correction."""
        return families.stands(self.adjusted)


Table = Float[np.ndarray, "d s 3 p"]
"""Wins, diversity and the parent's diversity of each dose and training seed on each prompt."""


Runs = dict[int, dict[str, Dose]]
"""{training seed: {dose: it}}, both in the order given."""


def path_costs(paths: Mapping[str, Sequence[Dose]], win_rate: float) -> list[PathCost]:
    """What ``win_rate`` costs on every path of doses, weakest first, over the prompts that all of them have.

    Raises:
        InputError: a win rate that says nothing, no path, or no prompt that all of them have.
    """
    if not 0.5 < win_rate < 1:
        raise InputError(f"A win rate to compare at lies between 0.5 and 1, as 0.65, not {win_rate:g}.")
    prompts = shared_prompts(paths)
    found: list[PathCost] = []
    first = _by_seed(next(iter(paths.values())))
    for name, doses in paths.items():
        runs = _by_seed(doses)
        cost = _cost(_table(runs, list(runs), prompts), win_rate)
        both = [seed for seed in runs if seed in first] if found else []
        beyond, p = UNKNOWN, math.nan
        if both:
            beyond, p = _beyond(_table(runs, both, prompts), _table(first, both, prompts), win_rate)
        points = tuple(_points(doses, prompts))
        found.append(PathCost(name, points, len(prompts), cost, beyond if found else None, len(runs), len(both), p))
    return [replace(one, adjusted=p) for one, p in zip(found, families.holm([one.p for one in found]))]


def shared_prompts(paths: Mapping[str, Sequence[Dose]]) -> list[str]:
    """The prompts on which every dose of every path is scored."""
    doses = [dose for path in paths.values() for dose in path]
    sides = [side for dose in doses for side in (dose.wins, dose.diversity, dose.parent)]
    if not sides:
        raise InputError("There is no checkpoint to compare: name some that were swept on the same prompts and seeds.")
    shared = [key for key in sides[0] if all(math.isfinite(side.get(key, math.nan)) for side in sides)]
    if not shared:
        raise InputError("These checkpoints share no scored prompt: `sweep` them over one prompt set first.")
    return shared


def _by_seed(doses: Sequence[Dose]) -> Runs:
    found: Runs = {}
    for dose in doses:
        found.setdefault(dose.training_seed, {})[dose.checkpoint] = dose
    return found


def _table(runs: Runs, seeds: Sequence[int], prompts: Sequence[str]) -> Table:
    """Of some training seeds, the doses that all of these have."""
    common = [dose for dose in runs[seeds[0]] if all(dose in runs[seed] for seed in seeds)]
    return np.array([[_row(runs[seed][dose], prompts) for seed in seeds] for dose in common]).reshape(
        len(common), len(seeds), 3, len(prompts)
    )


def _row(dose: Dose, prompts: Sequence[str]) -> list[list[float]]:
    return [[side[key] for key in prompts] for side in (dose.wins, dose.diversity, dose.parent)]


def _cost(table: Table, win_rate: float) -> Interval:
    """What a win rate costs on one path: of several training seeds with both clusters, of one by the bootstrap."""
    if table.shape[1] > 1:
        cells = _cost_cells(table, win_rate)
        return UNKNOWN if cells is None else crossed_interval(cells)
    everyone, rows = _rows(table)
    return percentiles(_costs(table, everyone, win_rate)[0], _costs(table, rows, win_rate), table.shape[-1])


def _beyond(table: Table, first: Float[np.ndarray, "f s 3 p"], win_rate: float) -> tuple[Interval, float]:
    """The same less the first path's, paired by prompt and training seed, and its p-value (NaN without an interval)."""
    if table.shape[1] > 1:
        ours, theirs = _cost_cells(table, win_rate), _cost_cells(first, win_rate)
        if ours is None or theirs is None:
            return UNKNOWN, math.nan
        found, p = crossed_interval(ours - theirs), crossed(ours - theirs).p
    else:
        (mean,), draws = (_costs(table, rows, win_rate) - _costs(first, rows, win_rate) for rows in _rows(table))
        found, p = percentiles(mean, draws, table.shape[-1]), bootstrap_p(draws[np.isfinite(draws)])
    return found, math.nan if math.isnan(found.lo) else p


def _rows(table: Table) -> tuple[np.ndarray, np.ndarray]:
    """Everyone once, and the bootstrap's draws of prompts, which are the same for all paths."""
    prompts = table.shape[-1]
    return np.arange(prompts)[None], np.random.default_rng(SEED).integers(prompts, size=(RESAMPLES, prompts))


def _means(table: Float[np.ndarray, "d 3 p"], rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Win rate and relative change of diversity of each draw (rows) and dose (columns)."""
    wins, diversity, parent = (table[:, part][:, rows].mean(-1).T for part in range(3))
    return wins, diversity / parent - 1


def _costs(table: Table, rows: np.ndarray, win_rate: float) -> Float[np.ndarray, " r"]:
    """Of each draw, the change of diversity where its path, from (1/2, 0) through its doses, first wins that often.

    NaN where it never does.
    """
    wins, change = (np.insert(part, 0, start, axis=1) for part, start in zip(_means(table[:, 0], rows), (0.5, 0.0)))
    w0, w1, c0, c1 = wins[:, :-1], wins[:, 1:], change[:, :-1], change[:, 1:]
    reached = (w0 < win_rate) & (win_rate <= w1)
    on = (win_rate - w0) / np.where(reached, w1 - w0, 1)
    found = np.take_along_axis(c0 + on * (c1 - c0), reached.argmax(1)[:, None], 1)[:, 0]
    return np.where(reached.any(1), found, math.nan)


def _cost_cells(table: Table, win_rate: float) -> Float[np.ndarray, "s p"] | None:
    if not len(table):
        return None
    change = np.array([change_cells(dose[:, 1], dose[:, 2]) for dose in table])
    return cost_cells(table[:, :, 0], change, win_rate)


def crossed_interval(cells: Float[np.ndarray, "s p"]) -> Interval:
    """The mean over runs and prompts with the interval of both clusters; without ends where there are too few of either."""
    found = crossed(cells).interval
    enough = len(cells) >= FEWEST_RUNS and cells.shape[1] >= FEWEST_PROMPTS
    return found if enough else replace(UNKNOWN, mean=found.mean)


def percentiles(mean: float, draws: Float[np.ndarray, " r"], prompts: int) -> Interval:
    """A mean with the bootstrap's 95 %; without ends where prompts are few or too many draws know no value (NaN)."""
    known = draws[np.isfinite(draws)]
    if prompts < FEWEST_PROMPTS or len(known) < KNOWN_SHARE * len(draws) or math.isnan(mean):
        return Interval(float(mean), math.nan, math.nan)
    lo, hi = np.quantile(known, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(mean), float(lo), float(hi))


def _points(doses: Sequence[Dose], prompts: Sequence[str]) -> Iterator[DosePoint]:
    """Each dose over its training seeds, with its intervals."""
    alike: dict[str, list[Dose]] = {}
    for dose in doses:
        alike.setdefault(dose.checkpoint, []).append(dose)
    for name, same in alike.items():
        table = np.array([[_row(dose, prompts) for dose in same]])
        if len(same) > 1:
            wins, change = table[0, :, 0], change_cells(table[0, :, 1], table[0, :, 2])
            ratios = table[0, :, 1].mean(1) / table[0, :, 2].mean(1) - 1
            each = zip(same, wins.mean(1).tolist(), ratios.tolist())
            runs = tuple(RunPoint(dose.training_seed, rate, ratio) for dose, rate, ratio in each)
            yield DosePoint(name, crossed_interval(wins), crossed_interval(change), runs)
            continue
        (mean_wins, mean_change), (wins, change) = (_means(table[:, 0], rows) for rows in _rows(table))
        rate = percentiles(mean_wins[0, 0], wins[:, 0], len(prompts))
        if rate.lo == rate.hi:  # alike on every prompt, of which no resampling makes anything else
            rate = share_interval(moments(table[0, 0, 0].tolist()))
        yield DosePoint(name, rate, percentiles(mean_change[0, 0], change[:, 0], len(prompts)))
