"""From features to a ``Score``: values, the batch value, its 95 % interval over seeds, and the version that made it.

Intervals: Student's t over seeds for image metrics; the delete-one jackknife of the U-statistic for pair metrics
(pairs that share a picture are not independent, and a bootstrap over seeds would draw a picture twice and shrink the
mean by 1 / n); the delete-one jackknife of the whole computation for batch metrics.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from jaxtyping import Float
from scipy import stats
from torch import Tensor

from t2ialign.types import Features, Interval, Metric, Score

CONFIDENCE = 0.95
UNKNOWN = Interval(math.nan, math.nan, math.nan)


def version_of(metric: Metric, weights: Iterable[str] = ()) -> str:
    """The metric's own version and the identities (``encoder:sha``) of the weights whose features it reads."""
    return "+".join([metric.version, *sorted(set(weights))])


def score_features(metric: Metric, features: Features, weights: Iterable[str] = ()) -> Score:
    """Score one seed batch. Features that are absent give NaN values, never an error."""
    version = version_of(metric, weights)
    if any(name not in features for name in metric.needs):
        return Score(metric.name, version, metric.axis, metric.level, _unscored(metric, features), *_parts(UNKNOWN))
    values = metric.compute(features)
    values = values.reshape(1) if metric.level == "batch" else values
    return Score(metric.name, version, metric.axis, metric.level, values, *_parts(interval(metric, values, features)))


def interval(metric: Metric, values: Float[Tensor, "*m"], features: Features) -> Interval:
    """The batch value with its interval over seeds, cut to the metric's bounds; NaN where there is nothing to say."""
    if metric.level == "image":
        return mean_interval(values).within(metric.bounds)
    if metric.level == "pair":
        return pair_interval(values, metric.finish).within(metric.bounds)
    names = metric.needs

    def without(seed: int) -> float:
        kept = torch.arange(len(features[names[0]])) != seed
        return float(metric.compute({name: features[name][kept.to(features[name].device)] for name in names}))

    return batch_interval(float(values), len(features[names[0]]), without).within(metric.bounds)


def mean_interval(values: Float[Tensor, " n"]) -> Interval:
    """Mean over the seeds that were scored, with Student's t interval (needs two of them)."""
    known = values[~values.isnan()].double()
    if len(known) == 0:
        return UNKNOWN
    if len(known) == 1:
        return Interval(float(known), math.nan, math.nan)
    return _student(float(known.mean()), float(known.std()) / math.sqrt(len(known)), len(known))


def pair_interval(pairs: Float[Tensor, "*m"], finish: Callable[[float], float] | None = None) -> Interval:
    """Mean over i != j of the pairs that were scored, with the jackknife over seeds (needs three of them).

    ``finish`` turns the mean into the metric's unit; it is applied to the mean and to both ends, which are then put
    in order.
    """
    sums, counts = _without_diagonal(pairs)
    total, count = float(sums.sum()), float(counts.sum())
    if count == 0:
        return UNKNOWN
    found = Interval(total / count, math.nan, math.nan)
    left = counts.sum() - 2 * counts
    if len(pairs) > 2 and bool((left > 0).all()):
        found = _jackknife(total / count, ((sums.sum() - 2 * sums) / left).tolist())
    return found if finish is None else _finished(found, finish)


def pair_mean(pairs: Float[Tensor, "*m"]) -> float:
    """Mean over i != j of the pairs that were scored; NaN where there are none."""
    sums, counts = _without_diagonal(pairs)
    count = float(counts.sum())
    return float(sums.sum()) / count if count else math.nan


def batch_interval(value: float, n: int, without: Callable[[int], float]) -> Interval:
    """A statistic of the whole batch with its jackknife interval: ``without(i)`` computes it from the other seeds."""
    if n < 3:
        return Interval(value, math.nan, math.nan)
    return _jackknife(value, [without(seed) for seed in range(n)])


def _without_diagonal(pairs: Float[Tensor, "*m"]) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """Row sums and row counts of the known pairs off the diagonal."""
    known = ~pairs.isnan() & ~torch.eye(len(pairs), dtype=torch.bool, device=pairs.device)
    return pairs.double().masked_fill(~known, 0).sum(1), known.double().sum(1)


def _jackknife(value: float, left_out: list[float]) -> Interval:
    """Tukey's interval: variance (n - 1) / n sum (v_i - mean v)^2 of the n values with one seed left out."""
    values = torch.tensor(left_out, dtype=torch.float64)
    n = len(values)
    return _student(value, math.sqrt(float((values - values.mean()).square().sum()) * (n - 1) / n), n)


def _student(mean: float, error: float, n: int) -> Interval:
    margin = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * error
    return Interval(mean, mean - margin, mean + margin)


def _finished(found: Interval, finish: Callable[[float], float]) -> Interval:
    """Both ends through ``finish``, in order; NaN ends stay NaN."""
    ends = [end if math.isnan(end) else finish(end) for end in (found.lo, found.hi)]
    return Interval(finish(found.mean), min(ends), max(ends))


def _parts(found: Interval) -> tuple[float, float, float]:
    return found.mean, found.lo, found.hi


def _unscored(metric: Metric, features: Features) -> Float[Tensor, "*m"]:
    n = len(features["images"]) if "images" in features else 0
    shape = {"image": (n,), "pair": (n, n), "batch": (1,)}[metric.level]
    return torch.full(shape, math.nan)
