"""Two checkpoints on the same prompts and seeds: what one has over the other, prompt by prompt."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from t2ialign.tradeoff.interval import over_prompts, paired_difference
from t2ialign.types import GenerationConfig, InputError, Interval, Metric


@dataclass(frozen=True)
class PairedScore:
    """One metric's batch values on one prompt, of two configs on the very same seeds."""

    policy: GenerationConfig
    base: GenerationConfig
    prompt: str
    seeds: int
    metric: str
    version: str
    policy_value: float
    base_value: float


@dataclass(frozen=True)
class Comparison:
    """One metric of two checkpoints under the same settings, over the prompts that both have.

    ``difference`` is the policy's value minus the base's, paired by prompt; of effective numbers, whose mean is no mean
    of differences, there is none.
    """

    policy: GenerationConfig
    base: GenerationConfig
    metric: str
    prompts: int
    seeds: int
    policy_mean: Interval
    base_mean: Interval
    difference: Interval | None


def comparisons(rows: Iterable[PairedScore], metrics: Mapping[str, Metric]) -> Iterator[Comparison]:
    """One comparison per pair of configs that differ in the model alone, and per metric, in the order of the rows.

    Raises:
        InputError: a metric was scored by several versions, which one comparison must not mix.
    """
    groups: dict[tuple[GenerationConfig, GenerationConfig, str], list[PairedScore]] = defaultdict(list)
    for row in rows:
        if settings_of(row.policy) == settings_of(row.base):
            groups[row.policy, row.base, row.metric].append(row)
    for (policy, base, name), found in groups.items():
        yield _comparison(policy, base, metrics[name], found)


def settings_of(config: GenerationConfig) -> GenerationConfig:
    """A config without its model: what two checkpoints must share to be compared."""
    return replace(config, backbone="", revision="", adapters=(), height=0, width=0, dtype="")


def _comparison(
    policy: GenerationConfig, base: GenerationConfig, metric: Metric, rows: list[PairedScore]
) -> Comparison:
    versions = sorted({row.version for row in rows})
    if len(versions) > 1:
        raise InputError(f"{metric.name} was scored by different versions ({' and '.join(versions)}): re-score first.")
    ours, theirs = {row.prompt: row.policy_value for row in rows}, {row.prompt: row.base_value for row in rows}
    return Comparison(
        policy,
        base,
        metric.name,
        prompts=len(ours),
        seeds=sum(row.seeds for row in rows),
        policy_mean=_mean(ours, metric),
        base_mean=_mean(theirs, metric),
        difference=None if metric.finish else paired_difference(ours, theirs),
    )


def _mean(values: Mapping[str, float], metric: Metric) -> Interval:
    return over_prompts([Interval(value, math.nan, math.nan) for value in values.values()], finish=metric.finish)
