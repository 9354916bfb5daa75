"""The audit's questions about diversity metrics and hard negatives, on pictures from anywhere."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import UInt8
from torch import Tensor

from t2ialign.metrics.nuisance import NUISANCES
from t2ialign.metrics.subsets import MeasuredPictures, measure
from t2ialign.tradeoff.audit import CANDIDATE, MIXED
from t2ialign.tradeoff.correlation import coefficient
from t2ialign.tradeoff.interval import Estimate, estimate, mean_interval
from t2ialign.types import Features, Interval, Metric
from t2ialign.use_cases.audit.rendered_sets import SpreadSet

Encode = Callable[[UInt8[Tensor, "n 3 h w"]], Features]
Values = Mapping[str, Sequence[tuple[float, float]]]
"""By factor, each set's true diversity and the metric's value."""

CHANGED = 8  # pictures that are changed in the nuisance test
DIFFERENT, COPIES = 4, 4  # four pictures, each four times
FEWEST = 4
DIVISIONS = 64


def possible(metrics: Iterable[Metric], features: Features) -> list[Metric]:
    """The metrics whose features are all there."""
    return [metric for metric in metrics if all(name in features for name in metric.needs)]


def spread_values(metrics: Sequence[Metric], encode: Encode, sets: Iterable[SpreadSet]) -> dict[str, Values]:
    """(a) for one prompt: by metric and factor, the true and the measured diversity of every set."""
    found: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for drawn in sets:
        features = encode(drawn.images)
        for metric in possible(metrics, features):
            value = measure(metric, features).of(range(len(drawn.images)))
            found[metric.name][drawn.factor].append((drawn.truth, value if metric.higher_is_better else -value))
    return {name: dict(values) for name, values in found.items()}


def follows(prompts: Sequence[Values]) -> dict[str, Interval]:
    """Kendall's tau of truth and metric within each prompt, by factor, with its mean over prompts.

    A prompt without the factor (the tilt of a circle) has no say; a metric that never moves has a tau of 0.
    """
    taus: dict[str, list[float]] = defaultdict(list)
    for values in prompts:
        for factor, pairs in values.items():
            true, measured = zip(*[pair for pair in pairs if math.isfinite(pair[0])] or [(0.0, 0.0)])
            if max(true) - min(true) > 1e-9:
                tau = _tau(true, measured)
                taus[factor].append(0.0 if math.isnan(tau) else tau)
    return {factor: mean_interval(found) for factor, found in taus.items()}


def leads(prompts: Sequence[Mapping[str, Values]]) -> dict[str, Estimate]:
    """By metric, how much its tau on the sets of everything at once exceeds the candidate's, over the same prompts."""
    found: dict[str, list[float]] = defaultdict(list)
    for metrics in prompts:
        taus = {name: _tau(*zip(*values[MIXED])) for name, values in metrics.items() if values.get(MIXED)}
        if math.isfinite(taus.get(CANDIDATE, math.nan)):
            for name, tau in taus.items():
                found[name].append((0.0 if math.isnan(tau) else tau) - taus[CANDIDATE])
    return {name: estimate(gaps) for name, gaps in found.items() if name != CANDIDATE}


def _tau(true: Sequence[float], measured: Sequence[float]) -> float:
    known = [(x, y) for x, y in zip(true, measured) if math.isfinite(y)]
    if len(known) < 3:
        return math.nan
    x, y = (torch.tensor(side, dtype=torch.float64).numpy() for side in zip(*known))
    return coefficient(x, y, "kendall")


@dataclass(frozen=True)
class MeasuredPrompt:
    """Pictures of one prompt, measured: ``pool`` all of them, ``changed`` the first few and their changed copies."""

    pool: Mapping[str, MeasuredPictures]
    changed: Mapping[str, MeasuredPictures]
    size: int

    @classmethod
    def of(
        cls,
        metrics: Sequence[Metric],
        encode: Encode,
        images: UInt8[Tensor, "n 3 h w"],
        watch: Callable[[float], None] = lambda fraction: None,
    ) -> MeasuredPrompt:
        """``watch`` hears the finished share of the work."""
        few = images[:CHANGED]
        pictures = torch.cat([few, *(change(few) for change in NUISANCES.values())])
        whole, changed = encode(images), encode(pictures)
        chosen, pool, copies = possible(metrics, whole), {}, {}
        for done, metric in enumerate(chosen, 1):
            pool[metric.name], copies[metric.name] = measure(metric, whole), measure(metric, changed)
            watch(done / len(chosen))
        return cls(pool, copies, len(images))


def nuisances(metric: Metric, groups: Sequence[MeasuredPrompt]) -> dict[str, Interval]:
    """(b): how much of the difference between two pictures of a prompt a changed copy of one of them reaches.

    Differences are those of sets of two, over a set of one picture twice; a single picture has no set, hence no answer.
    """
    if metric.level == "image":
        return {}
    ratios = [_ratios(group.changed[metric.name]) for group in groups]
    return {name: _over([part[name] for part in ratios]) for name in NUISANCES}


def _ratios(measured: MeasuredPictures) -> dict[str, list[float]]:
    """Each picture's ratio, by nuisance."""
    none = [measured.of([i, i]) for i in range(CHANGED)]
    apart = [measured.of([i, j]) - (none[i] + none[j]) / 2 for i in range(CHANGED) for j in range(i)]
    usual = _mean(apart)
    return {
        name: [(measured.of([i, CHANGED * number + i]) - none[i]) / usual for i in range(CHANGED)]
        for number, name in enumerate(NUISANCES, 1)
    }


def copies(metric: Metric, groups: Sequence[MeasuredPrompt]) -> dict[str, Interval]:
    """(c): what copies of pictures add to a metric of diversity, which should be nothing; intervals over prompts.

    A set of four pictures, each four times, is measured beside the four alone (``counted``) and beside sixteen different
    pictures (``noticed``). Each answer is a ratio of the two sets' values, both less what sixteen copies of one picture score:
    ``counted`` is 1 where copies add nothing, ``noticed`` is 1 where copies pass for new pictures.
    """
    if metric.level == "image":
        return {}
    n = DIFFERENT * COPIES
    counted, noticed = [], []
    for group in groups:
        measured, found = group.pool[metric.name], defaultdict(list)
        for start in range(0, group.size - DIFFERENT + 1, DIFFERENT):
            rows = list(range(start, start + DIFFERENT))
            found["none"].append(measured.of([start] * n))
            found["few"].append(measured.of(rows))
            found["copied"].append(measured.of(rows * COPIES))
        for start in range(0, group.size - n + 1, n):
            found["many"].append(measured.of(range(start, start + n)))
        value = {name: _mean(values) for name, values in found.items()}
        counted.append([(value["copied"] - value["none"]) / (value["few"] - value["none"])])
        noticed.append([(value["copied"] - value["none"]) / (value["many"] - value["none"])] if found["many"] else [])
    return {"counted": _over(counted), "noticed": _over(noticed)}


def sizes(metric: Metric, groups: Sequence[MeasuredPrompt]) -> dict[int, Interval]:
    """(d): the mean value of sets of 4, 8, ... pictures over that of the largest such number.

    Averaged as the house does: effective numbers through their inverse (``Metric.finish``). The sets divide up a
    prompt's pictures; of a single prompt there are too few such sets, so random divisions of it are averaged.
    """
    size = min(group.size for group in groups)
    counts = [FEWEST << step for step in range(size.bit_length()) if FEWEST << step <= size]
    rng = torch.Generator().manual_seed(0)
    orders = [torch.arange(size)]
    if len(groups) == 1:
        orders = [torch.randperm(size, generator=rng) for _ in range(DIVISIONS)]
    values = [{n: _typical(group.pool[metric.name], n, orders) for n in counts} for group in groups]
    return {n: _over([[value[n] / value[counts[-1]]] for value in values]) for n in counts}


def _typical(measured: MeasuredPictures, n: int, orders: Sequence[Tensor]) -> float:
    """Mean value of the sets of ``n`` that divide up the pictures in each of these orders."""
    finish: Callable[[float], float] = measured.metric.finish or (lambda value: value)
    sets = [order[start : start + n] for order in orders for start in range(0, len(order) - n + 1, n)]
    return finish(_mean([finish(measured.of(rows)) for rows in sets]))


def negatives(
    metrics: Sequence[Metric], tests: Iterable[tuple[Encode, Mapping[str, Tensor]]]
) -> dict[str, dict[str, Interval]]:
    """(f): how often each right picture scores above the same scene with one mistake (a tie is half), over prompts."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for encode, pictures in tests:
        features = encode(torch.cat(list(pictures.values())))
        n = len(pictures["right"])
        for metric in possible(metrics, features):
            parts = dict(zip(pictures, metric.compute(features).split(n), strict=True))
            for kind in set(parts) - {"right"}:
                found[metric.name][kind].append(_preferred(parts["right"], parts[kind], metric.higher_is_better))
    return {
        name: {kind: mean_interval(shares) for kind, shares in sorted(kinds.items())} for name, kinds in found.items()
    }


def _preferred(right: Tensor, wrong: Tensor, higher: bool) -> float:
    gap = (right - wrong) * (1 if higher else -1)
    return float(((gap > 0).double() + 0.5 * (gap == 0)).mean())


def _over(groups: Sequence[Sequence[float]]) -> Interval:
    """Mean over prompts of each one's mean; with a single prompt the interval is over its pictures."""
    means = [_mean(values) for values in groups if len(values)]
    if not means:
        return Interval(math.nan, math.nan, math.nan)
    return mean_interval(means if len(means) > 1 else list(groups[0]))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
