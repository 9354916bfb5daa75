"""Two checkpoints on the same prompts and seeds: what one has over the other, prompt by prompt."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from t2ialign.tradeoff import families
from t2ialign.tradeoff.interval import (
    Effects,
    Moments,
    difference_of,
    moments,
    share_interval,
    turned,
)
from t2ialign.types import GenerationConfig, InputError, Interval, Metric


@dataclass(frozen=True)
class PairedScore:
    """One metric's batch values on one prompt, of two configs on the very same seeds, with the seeds' effects on each."""

    policy: GenerationConfig
    base: GenerationConfig
    prompt: str
    seeds: int
    metric: str
    version: str
    policy_value: float
    base_value: float
    policy_effects: Effects = field(default_factory=dict)
    base_effects: Effects = field(default_factory=dict)


@dataclass(frozen=True)
class PairedMoments:
    """What a comparison needs of its prompts, whoever adds them up; both sides in the unit before ``Metric.finish``.

    ``difference`` is None for effective numbers, ``wins`` (each prompt's share of seeds on which the policy's picture is
    the better one) for metrics that are not of single pictures.
    """

    policy: GenerationConfig
    base: GenerationConfig
    prompts: int
    seeds: int
    policy_side: Moments
    base_side: Moments
    difference: Moments | None
    wins: Moments | None


@dataclass(frozen=True)
class Comparison:
    """One metric of two checkpoints under the same settings, over the prompts that both have.

    ``difference`` is the policy's value minus the base's, paired by prompt and seed; of effective numbers, whose mean is no
    mean of differences, there is none. ``win_rate``: of metrics of single pictures, how often the policy's is the better one
    of the same prompt and seed, ties half. ``p`` tests a difference of 0; ``adjusted`` is ``p`` after Holm over the ``family``
    tests that it was printed with (``corrected``), itself where it stands alone. NaN: no test.
    """

    policy: GenerationConfig
    base: GenerationConfig
    metric: str
    prompts: int
    seeds: int
    policy_mean: Interval
    base_mean: Interval
    difference: Interval | None
    p: float = math.nan
    adjusted: float = math.nan
    family: int = 1
    win_rate: Interval | None = None

    @property
    def in_words(self) -> str:
        """What the difference says about zero."""
        return "" if self.difference is None else families.in_words(self.difference, self.adjusted, self.family)

    @property
    def relative(self) -> Interval | None:
        """The difference as a share of the base's mean; None where there is none."""
        gap, mean = self.difference, self.base_mean.mean
        if gap is None or not math.isfinite(mean) or mean <= 0:
            return None
        return Interval(gap.mean / mean, gap.lo / mean, gap.hi / mean)

    @property
    def stands(self) -> bool:
        """Whether the difference excludes zero in its family."""
        return families.stands(self.adjusted)


def comparisons(
    rows: Iterable[PairedScore],
    metrics: Mapping[str, Metric],
    same: Callable[[GenerationConfig], GenerationConfig] | None = None,
) -> Iterator[Comparison]:
    """One comparison per pair of configs that differ in the model alone, and per metric, in the order of the rows.

    ``same`` is what two configs must share to be compared, if not all but the model.

    Raises:
        InputError: a metric was scored by several versions, which one comparison must not mix.
    """
    groups: dict[tuple[GenerationConfig, GenerationConfig, str], list[PairedScore]] = defaultdict(list)
    shared = same or settings_of
    for row in rows:
        if shared(row.policy) == shared(row.base):
            groups[row.policy, row.base, row.metric].append(row)
    for (policy, base, name), found in groups.items():
        yield _comparison(policy, base, metrics[name], found)


def corrected(found: Sequence[Comparison]) -> list[Comparison]:
    """The same comparisons as one family of tests, after Holm."""
    ps = [one.p for one in found]
    size = families.tests(ps)
    return [replace(one, adjusted=p, family=size) for one, p in zip(found, families.holm(ps))]


def settings_of(config: GenerationConfig) -> GenerationConfig:
    """A config without its model: what two checkpoints must share to be compared."""
    return replace(config, backbone="", revision="", adapters=(), height=0, width=0, dtype="")


def _comparison(
    policy: GenerationConfig, base: GenerationConfig, metric: Metric, rows: list[PairedScore]
) -> Comparison:
    versions = sorted({row.version for row in rows})
    if len(versions) > 1:
        raise InputError(f"{metric.name} was scored by different versions ({' and '.join(versions)}): re-score first.")
    prompts = len({row.prompt for row in rows})
    seeds = sum(row.seeds for row in rows)
    sides = (
        _moments([row.policy_value for row in rows], [row.policy_effects for row in rows], metric.finish),
        _moments([row.base_value for row in rows], [row.base_effects for row in rows], metric.finish),
    )
    difference = None if metric.finish else _difference(rows)
    return comparison_of(
        PairedMoments(policy, base, prompts, seeds, *sides, difference=difference, wins=_wins(rows, metric)), metric
    )


def comparison_of(found: PairedMoments, metric: Metric) -> Comparison:
    """The comparison that moments make, a test of its own."""
    change = found.difference.estimate if found.difference else None
    p = change.p if change else math.nan
    return Comparison(
        found.policy,
        found.base,
        metric.name,
        found.prompts,
        found.seeds,
        policy_mean=turned(found.policy_side.estimate.interval, metric.finish),
        base_mean=turned(found.base_side.estimate.interval, metric.finish),
        difference=change.interval if change else None,
        win_rate=share_interval(found.wins) if found.wins else None,
        p=p,
        adjusted=p,
    )


def _difference(rows: Sequence[PairedScore]) -> Moments:
    values = [row.policy_value - row.base_value for row in rows]
    return _moments(values, [difference_of(row.policy_effects, row.base_effects) for row in rows], None)


def _wins(rows: Sequence[PairedScore], metric: Metric) -> Moments | None:
    if metric.level != "image":
        return None
    sign = 1 if metric.higher_is_better else -1
    return moments([0.5 + 0.5 * sign * wins_over_losses(row) for row in rows])


def wins_over_losses(row: PairedScore, same_seed: bool = True) -> float:
    """Of a metric of single pictures, how often the policy's value is the higher one less how often the lower one.

    ``same_seed``: each picture against its twin. A change that moves every picture a little wins nearly all of those, so
    distributions are compared without it: each of the policy's against the base's of every other seed. A picture's value is
    its batch's mean and its effect on it; values that differ by rounding alone are equal. NaN where nothing was scored.
    """
    ours = {seed: row.policy_value + effect for seed, effect in row.policy_effects.items()}
    theirs = {seed: row.base_value + effect for seed, effect in row.base_effects.items()}
    pairs = ((a, b) for i, a in ours.items() for j, b in theirs.items() if (i == j) == same_seed)
    signs = [_sign(a, b) for a, b in pairs if not math.isnan(a - b)]
    return sum(signs) / len(signs) if signs else math.nan


def _sign(ours: float, theirs: float) -> float:
    return 0.0 if math.isclose(ours, theirs, rel_tol=1e-6, abs_tol=1e-6) else math.copysign(1, ours - theirs)


def _moments(values: Sequence[float], effects: Sequence[Effects], finish: Callable[[float], float] | None) -> Moments:
    """Moments of the values that are known."""
    known = [(value, effect) for value, effect in zip(values, effects) if not math.isnan(value)]
    return moments([finish(value) if finish else value for value, _ in known], [effect for _, effect in known])
